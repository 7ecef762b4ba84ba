#!/bin/sh
# verl's sandbox_fusion client against the server: 200 requests from 16 threads, one judge killed on the way; then a server that can run nothing.
. "$(dirname "$0")/tap.inc"
python=$(command -v python3 || command -v python3.11) || skip_all "there is no python3"
plan 5
sock=$tmp/s.sock

# up BIN: the server of that folder, on $sock.
up() {
    "$1/assay" serve -p "$data/add.yaml" --listen "unix:$sock" 2>"$tmp/log" &
    server=$!
    server_answers "$sock"
}

up "$ASSAY_BUILD"
timeout 300 "$python" "$here/serve_verl.py" "$sock" right >"$tmp/right" 2>&1 &
asked=$!
sleep 1
kill -KILL "$(ps -eo ppid=,pid=,comm= | awk -v p="$server" '$1 == p && $3 == "assay-judge" {print $2; exit}')"
wait $asked
rc=$?
check "each outcome is what the program earned" sh -c "cat '$tmp/right'; exit $rc"
check "and each request was answered" says "$tmp/right" "{200: 200}"
curl -s --unix-socket "$sock" http://x/metrics >"$tmp/metrics"
check "a judge died meanwhile" says "$tmp/metrics" 'assay_slot_restarts_total 1' 'assay_faults_total 0'
kill -TERM "$server"
wait "$server"

mkdir "$tmp/bin"
cp "$ASSAY_BUILD"/assay "$ASSAY_BUILD"/assay-verifier "$ASSAY_BUILD"/assay-keeper "$ASSAY_BUILD"/assay-lint "$tmp/bin"
printf '#!/bin/sh\nexit 1\n' >"$tmp/bin/assay-judge"
chmod +x "$tmp/bin/assay-judge"
up "$tmp/bin"
check "nothing passes where nothing can run" timeout 300 "$python" "$here/serve_verl.py" "$sock" unable
curl -s -o "$tmp/a" -w '%{http_code}' --unix-socket "$sock" http://x/submit -d '{"dataset":"add","id":"add","completion":"def add(a, b):\n    return a + b"}' >"$tmp/code"
check "nor is it refused as a wrong answer" sh -c "[ \"\$(cat '$tmp/code')\" = 504 ] && jq -e '.detail and (has(\"accepted\") | not)' '$tmp/a'"
