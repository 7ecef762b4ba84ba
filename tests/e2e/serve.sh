#!/bin/sh
# The HTTP server on a unix socket, with curl.
. "$(dirname "$0")/tap.inc"
plan 44
sock=$tmp/s.sock

# up [OPTION...]: starts a server and waits for it.
up() {
    "$ASSAY_BUILD/assay" serve -p "$data/classic.yaml" -p "$data/add.yaml" --listen "unix:$sock" "$@" 2>"$tmp/log" &
    server=$!
    server_answers "$sock"
}

# ask CODE PATH [CURL OPTION...]: the answer is in $tmp/a; its status must be CODE.
ask() {
    code=$1
    path=$2
    shift 2
    got=$(curl -s --max-time 60 -o "$tmp/a" -D "$tmp/headers" -w '%{http_code}' --unix-socket "$sock" "http://x$path" "$@")
    [ "$got" = "$code" ] || { echo "status $got, wanted $code"; cat "$tmp/a"; return 1; }
}

check "starts" up
check "healthz" ask 200 /healthz
check "healthz says what it should" jq -e '.status == "ok" and .slots > 0 and (.version | length) > 0' "$tmp/a"
check "problems" ask 200 /v1/problems
check "problems are there, tests are not" \
    jq -e '.total == 2 and .problems[0].id == "sort_with_42" and ([.problems[] | has("cases") or has("tests") or has("reference") or has("suite")] | any | not)' "$tmp/a"
check "problems of one source" ask 200 '/v1/problems?source=1&offset=0&limit=5'
check "it is that one" jq -e '.total == 1 and .problems[0].id == "add"' "$tmp/a"
check "a source that is not there" ask 400 '/v1/problems?source=7'
jq -sc '{items: .}' "$data/classic.jsonl" >"$tmp/items"
check "grade five" ask 200 /v1/grade -d "@$tmp/items"
check "five grades in order" same "not-code wrong-language fails-tests correct faster" "$(jq -r '.verdicts[].grade' "$tmp/a" | xargs)"
check "grade one, without timing" ask 200 /v1/grade -d '{"task_id":"add","solution":"def add(a, b): return a + b","timing":false,"id":7}'
check "it is correct and carries its id" jq -e '.verdicts == [.verdicts[0]] and (.verdicts[0] | .grade == "correct" and .id == 7)' "$tmp/a"
check "no items" ask 200 /v1/grade -d '{"items":[]}'
check "unknown task" ask 400 /v1/grade -d '{"items":[{"task_id":"add","solution":"x"},{"task_id":"zzz","solution":"x"}]}'
check "names item and task" says "$tmp/a" 'items[1]' zzz
check "broken JSON" ask 400 /v1/grade -d '{"items":['
check "unknown path" ask 404 /v2/nothing
check "a path that is no UTF-8" ask 404 /%ff%3C/x
check "is quoted all the same" jq -e '.error == "there is nothing at /\ufffd</x"' "$tmp/a"
check "wrong method" ask 405 /v1/grade
check "which names the right one" sh -c 'curl -si --unix-socket "$1" http://x/v1/grade | grep -qi "^allow: POST"' - "$sock"
head -c 70000000 /dev/zero >"$tmp/big"
check "a body that is too large" ask 413 /v1/grade -H 'Expect:' --data-binary "@$tmp/big"
check "the same in chunks" ask 413 /v1/grade -H 'Expect:' -H 'Transfer-Encoding: chunked' --data-binary "@$tmp/big"
check "lint" ask 200 /v1/lint -d '{"text":"def f(x):\n    return x\n"}'
check "metrics" ask 200 /metrics
# Each name has its help and type once and before its samples; samples are NAME{LABEL="VALUE",...} NUMBER.
check "metrics are Prometheus text" awk '
    /^# HELP [a-z_]+ [^ ]/ {if ($3 in help) exit bad = 1; help[$3] = 1; next}
    /^# TYPE [a-z_]+ (counter|gauge|histogram)$/ {if ($3 in type || !($3 in help)) exit bad = 1; type[$3] = $4; next}
    !/^[a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? -?[0-9.]+(e[-+]?[0-9]+)?$/ {exit bad = 1}
    {name = $1; sub(/\{.*/, "", name); if (!(name in type)) sub(/_(bucket|sum|count)$/, "", name)}
    !(name in type) || type[name] == "counter" && $1 !~ /_total(\{|$)/ {exit bad = 1}
    END {if (bad) print NR ": " $0; exit bad || NR < 100}' "$tmp/a"
check "... and say what confines programs" says "$tmp/a" 'assay_guest_isolation{kind="seccomp"} 1' 'assay_guest_isolation{kind="rlimit"} 1'
check "metrics count" says "$tmp/a" 'assay_verdicts_total{grade="faster"} 1' 'assay_verdicts_total{grade="infra"} 0'

check "run_code" ask 200 /run_code -d '{"code":"print(input() * 2)","language":"python","stdin":"ab","run_timeout":5,"memory_limit_MB":-1}'
check "run_code: output and status" jq -e '.status == "Success" and .run_result.stdout == "abab\n" and .run_result.return_code == 0' "$tmp/a"
check "run_code: an exception" ask 200 /run_code -d '{"code":"import sys\nsys.exit(3)","language":"python"}'
check "run_code: its exit status" jq -e '.status == "Failed" and .run_result.status == "Finished" and .run_result.return_code == 3' "$tmp/a"
check "run_code: no time left" ask 200 /run_code -d '{"code":"while True: pass","language":"python","run_timeout":0.3}'
check "run_code: says so" jq -e '.run_result.status == "TimeLimitExceeded"' "$tmp/a"

check "a port that there cannot be" status 2 assay serve -p "$data/add.yaml" --listen 127.0.0.1:65536
check "a live socket is refused" status 2 assay serve -p "$data/add.yaml" --listen "unix:$sock"
# A client that hangs up while its slow program runs: the server goes on.
curl -s --max-time 0.3 --unix-socket "$sock" http://x/v1/grade -d '{"task_id":"add","solution":"def add(a, b):\n    while True: pass"}' >/dev/null
check "a client that went away does no harm" ask 200 /v1/grade -d '{"task_id":"add","solution":"def add(a, b): return b + a"}'
# A request that is under way when SIGTERM comes is still answered.
curl -s --max-time 30 --unix-socket "$sock" http://x/v1/grade -d '{"task_id":"add","solution":"def add(a, b):\n    while 1: pass"}' >"$tmp/late" &
late=$!
becomes "$sock" assay_pending 1
check "SIGTERM drains and exits 0" down
wait $late
check "the late answer came" jq -e '.verdicts[0].reason == "time-limit"' "$tmp/late"
check "its socket is gone" [ ! -e "$sock" ]

echo secret-token-1 >"$tmp/token"
up --token-file "$tmp/token" --queue 3
check "without the token: 401" ask 401 /v1/grade -d '{"items":[]}'
check "with it: 200" ask 200 /v1/grade -H 'Authorization: Bearer secret-token-1' -d '{"items":[]}'
slow='{"task_id":"add","solution":"def add(a, b):\\n    while True: pass # %s"}'
printf '{"items":['"$slow,$slow,$slow"']}' 1 2 3 >"$tmp/slow"
auth='Authorization: Bearer secret-token-1'
curl -s --max-time 30 --unix-socket "$sock" http://x/v1/grade -H "$auth" -d "@$tmp/slow" >"$tmp/late" &
late=$!
for i in $(seq 400); do
    curl -s --unix-socket "$sock" http://x/metrics -H "$auth" | grep -qx 'assay_pending 3' && break
    sleep 0.05
done
check "a full queue: 429" ask 429 /v1/grade -H "$auth" -d '{"task_id":"add","solution":"x = 1"}'
check "with Retry-After" says "$tmp/headers" "Retry-After: 1"
wait $late
