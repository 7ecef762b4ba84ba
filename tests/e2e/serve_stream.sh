#!/bin/sh
# Streams, deadlines, slow and vanishing clients, memory, and problems that change while the server runs.
. "$(dirname "$0")/tap.inc"
python=$(command -v python3 || command -v python3.11) || skip_all "there is no python3"
plan 23
sock=$tmp/s.sock
cp "$data/add.yaml" "$tmp/add.yaml"
"$ASSAY_BUILD/assay" serve -p "$tmp/add.yaml" --listen "unix:$sock" -j 2 --memory 4 --log verdicts 2>"$tmp/log" &
server=$!
server_answers "$sock"

check "a stream says what an answer says" timeout 100 "$python" "$here/serve_stream.py" "$sock" same
check "verdicts come as they are found" timeout 100 "$python" "$here/serve_stream.py" "$sock" early
check "items as lines" timeout 100 "$python" "$here/serve_stream.py" "$sock" body_lines
check "a client that does not read" timeout 100 "$python" "$here/serve_stream.py" "$sock" stalled
check "clients that leave" timeout 100 "$python" "$here/serve_stream.py" "$sock" gone
check "deadlines" timeout 100 "$python" "$here/serve_stream.py" "$sock" deadline
check "a large request and a small one" timeout 100 "$python" "$here/serve_stream.py" "$sock" fair
check "bodies past the memory there is for them" timeout 100 "$python" "$here/serve_stream.py" "$sock" memory

# The log names a request as its client does, and a job after its request.
add='{"task_id":"add","solution":"import os\ndef add(a, b): os._exit(0)"}'
curl -s -D "$tmp/headers" -H 'X-Request-Id: step-7.a' --unix-socket "$sock" http://x/v1/grade -d "$add" >/dev/null
check "a request keeps its name" says "$tmp/headers" "X-Request-Id: step-7.a"
check "and so does its job" says_soon "$tmp/log" 'job=step-7.a.0 task="add" grade="fails-tests"' 'request=step-7.a path=/v1/grade status=200'
curl -s -D "$tmp/headers" -H 'X-Request-Id: a"b c' --unix-socket "$sock" http://x/v1/grade -d "$add" >/dev/null
check "unless the name would spoil a log" sh -c "! grep -q 'a\"b' '$tmp/headers' '$tmp/log'"
curl -s --unix-socket "$sock" http://x/metrics >"$tmp/metrics"
check "signs of an exploit are counted, not graded" says "$tmp/metrics" 'assay_exploit_signs_total{sign="exit",passed="no"} 2' 'assay_exploit_signs_total{sign="exit",passed="yes"} 0'
check "histograms add up" sh -c "
    awk '/^assay_verdict_seconds_bucket/ {if (\$2 < n) exit 1; n = \$2} /^assay_verdict_seconds_count/ {exit !(\$2 == n && n > 0)}' '$tmp/metrics'"

# reload WORD: SIGHUP, and the log says how it went.
reload() {
    n=$(grep -c "reload=" "$tmp/log")
    kill -HUP "$server"
    for i in $(seq 200); do
        [ "$(grep -c "reload=" "$tmp/log")" -gt "$n" ] && break
        sleep 0.1
    done
    grep "reload=" "$tmp/log" | tail -1 | grep "reload=$1" || { tail -3 "$tmp/log"; return 1; }
}
# graded PROGRAM: its grade.
graded() {
    jq -n --arg p "$1" '{task_id: "add", solution: $p}' | curl -s --max-time 60 --unix-socket "$sock" http://x/v1/grade -d @- | jq -r '.verdicts[0].grade // .error'
}
# A program that is being graded when its problem goes.
curl -s --max-time 60 --unix-socket "$sock" http://x/v1/grade -d '{"task_id":"add","solution":"def add(a, b):\n    while True: pass # old"}' >"$tmp/old" &
old=$!
sleep 0.3
sed 's/expected: 3/expected: 4/; s/^reference/tests2/' "$data/add.yaml" >"$tmp/add.yaml"
check "a bad file" reload failed
check "leaves the problems as they were" same correct "$(graded 'def add(a, b): return a + b')"
check "and says where it is bad" sh -c "grep reload=failed '$tmp/log' | grep -q 'add.yaml:'"
printf 'id: add\nprompt: x\nentry_point: add\ncases: [{args: [1, 2], expected: -1}]\n---\nid: new\nprompt: y\nentry_point: f\ncases: [{args: [], expected: 1}]\n' >"$tmp/add.yaml"
check "new problems" reload done
check "are there" sh -c "curl -s --unix-socket '$sock' http://x/v1/problems | jq -e '.total == 2 and .problems[1].id == \"new\"'"
check "with their tests, whatever was known of the old ones" same "fails-tests correct" "$(graded 'def add(a, b): return a + b') $(graded 'def add(a, b): return a - b')"
wait $old
check "what was begun with the old ones ends with them" jq -e '.verdicts[0].reason == "time-limit"' "$tmp/old"
for i in 1 2 3 4 5 6 7 8; do kill -HUP "$server"; done
check "reloads that come together do no harm" reload done

cp "$data/add.yaml" "$tmp/add.yaml"
reload done >/dev/null
timeout 100 "$python" "$here/serve_stream.py" "$sock" drain >"$tmp/begun" 2>"$tmp/why" &
streaming=$!
for i in $(seq 200); do
    grep -q begun "$tmp/begun" && break
    sleep 0.05
done
kill -TERM "$server"
wait $streaming
rc=$?
check "a stream that is begun when SIGTERM comes is finished" sh -c "cat '$tmp/why'; exit $rc"
wait "$server"
rc=$?
server=
check "and the server exits 0" same 0 $rc
