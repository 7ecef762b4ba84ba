#!/bin/sh
# The Python client: by itself (tools/python/tests), and with the real server, which is restarted under it.
. "$(dirname "$0")/tap.inc"
python=$(command -v python3 || command -v python3.11) || skip_all "there is no python3"
client=$here/../../tools/python
export PYTHONPATH="$client" PYTHONDONTWRITEBYTECODE=1
sock=$tmp/s.sock

# A thousand replies, no two alike: right, wrong, broken, prose, one that raises; on two problems.
awk 'BEGIN {
    n = split("return a + b|return a - b|return a +|raise ValueError|return b + a", body, "|")
    for (i = 0; i < 1000; i++)
        if (i % 50 == 7)
            printf "{\"task_id\":\"add\",\"response\":\"I would add the two numbers, in step %d or later.\"}\n", i
        else if (i % 10 == 3)
            printf "{\"task_id\":\"sort_with_42\",\"response\":\"```python\\ndef sort_with_42(x):\\n    return [42] + sorted(x)[%d:]\\n```\"}\n", i % 20 == 3 ? 0 : i
        else
            printf "{\"task_id\":\"add\",\"response\":\"```python\\ndef add(a, b):  # %d\\n    %s\\n```\"}\n", i, body[i % n + 1]
}' >"$tmp/samples.jsonl"

serve() {
    "$ASSAY_BUILD/assay" serve -p "$data/classic.yaml" -p "$data/add.yaml" --listen "unix:$sock" --no-timing 2>>"$tmp/log" &
    server=$!
    echo $server >"$tmp/pid"
}
# The restarts come from the client's side; this shell, the servers' parent, does them.
cat >"$tmp/restart" <<'END'
#!/bin/sh
mkdir "$1/wanted"
i=0
while [ -d "$1/wanted" ] && [ $i -lt 300 ]; do i=$((i + 1)); sleep 0.1; done
[ ! -d "$1/wanted" ]
END
serve
assay grade -p "$data/classic.yaml" -p "$data/add.yaml" -s "$tmp/samples.jsonl" -o "$tmp/verdicts" --no-timing 2>/dev/null
ASSAY_URL=unix:$sock timeout 120 "$python" "$here/clients.py" "$tmp/samples.jsonl" "$tmp/verdicts" sh "$tmp/restart" "$tmp" >"$tmp/tap" 2>&1 &
asked=$!
restarts=0
while kill -0 $asked 2>/dev/null; do
    if [ -d "$tmp/wanted" ]; then
        # Once politely, once without a warning.
        [ $restarts = 0 ] && kill -TERM "$server" || kill -KILL "$server"
        wait "$server" 2>/dev/null
        serve
        restarts=$((restarts + 1))
        rmdir "$tmp/wanted"
    fi
    sleep 0.05
done
wait $asked
cat "$tmp/tap"
tests=$(grep -c '^ok\|^not ok' "$tmp/tap")
check "it was restarted twice" same 2 "$restarts"

# The command gives the verdicts of `assay grade`.
few='{task_id, sample, grade, reward, reason, infra, tests, extraction, language}'
check "python3 -m assay_client grade" status 0 timeout 60 "$python" -m assay_client grade "$tmp/samples.jsonl" --url "unix:$sock" --no-timing -o "$tmp/v"
jq -c "$few" "$tmp/verdicts" >"$tmp/wanted.jsonl"
jq -c "$few" "$tmp/v" >"$tmp/got.jsonl"
check "says what assay grade says" cmp "$tmp/wanted.jsonl" "$tmp/got.jsonl"
echo '{"task_id":"nowhere","response":"x"}' >"$tmp/bad"
check "an unknown problem: exit 2" status 2 timeout 60 "$python" -m assay_client grade "$tmp/bad" --url "unix:$sock"
check "which says so" says "$tmp/err" "HTTP 400" nowhere

# The client's own tests, numbered on.
timeout 120 "$python" "$client/tests/tap.py" >"$tmp/tap" 2>&1
awk -v n="$tests" '/^(not )?ok / {sub(/ok [0-9]+/, "ok " (n + ++k))} /^1\.\./ {next} {print}' "$tmp/tap"
tests=$((tests + $(sed -n 's/^1\.\.//p' "$tmp/tap")))
plan $tests
