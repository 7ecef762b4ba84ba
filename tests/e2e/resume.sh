#!/bin/sh
# A grading run that is killed goes on with --resume, without grading anything twice, to the same verdicts.
. "$(dirname "$0")/tap.inc"
plan 17
for i in $(seq 40); do
    printf '{"task_id":"add","solution":"import time\\ntime.sleep(0.1)\\ndef add(a, b): return a + b  # %s"}\n' "$i"
done >"$tmp/s.jsonl"

"$ASSAY_BUILD/assay" grade -p "$data/add.yaml" -s "$tmp/s.jsonl" -o "$tmp/v" -j 1 2>/dev/null &
run=$!
for i in $(seq 1000); do
    [ "$(wc -l 2>/dev/null <"$tmp/v.part")" -gt 5 ] 2>/dev/null && break
    sleep 0.02
done
kill -STOP $run # it must not end before it is killed
check "a second run on the same output is refused" status 2 assay grade -p "$data/add.yaml" -s "$tmp/s.jsonl" -o "$tmp/v"
kill -KILL $run
wait $run 2>/dev/null
cp "$tmp/v.part" "$tmp/first"
check "killed half-way: no output yet" [ ! -e "$tmp/v" ]
check "but some verdicts are kept" [ "$(wc -l <"$tmp/first")" -gt 5 ]
printf '{"task_id":"add","sam' >>"$tmp/v.part"

check "its helpers are gone" no_orphans
check "--resume ends the run" status 0 assay grade -p "$data/add.yaml" -s "$tmp/s.jsonl" -o "$tmp/v" -j 1 --resume
check "all are there, in order" same "$(seq 0 39 | xargs)" "$(jq -r .sample "$tmp/v" | xargs)"
check "what was kept was not graded again" same "$(cat "$tmp/first")" "$(head -n "$(wc -l <"$tmp/first")" "$tmp/v")"
check "the summary counts all" says "$tmp/err" "40 verdicts"

printf '{"task_id":"add","sample":7}\n' >"$tmp/v.part"
check "verdicts of other samples are refused" status 2 assay grade -p "$data/add.yaml" -s "$tmp/s.jsonl" -o "$tmp/v" --resume

# A pipe of samples cannot be checked beforehand: a bad line costs none of the verdicts before it.
tr '\n' ' ' <"$tmp/s.jsonl" | jq -c 'select(.solution |= sub("time.sleep\\(0.1\\)"; "pass"))' >"$tmp/quick.jsonl"
rm "$tmp/v.part"
piped() { assay grade -p "$data/add.yaml" -s - -o "$tmp/v" --no-timing "$@"; }
bad_end() { (cat "$tmp/quick.jsonl" && echo '{') | piped; }
goes_on() {
    piped --resume <"$tmp/quick.jsonl" && same 40 "$(wc -l <"$tmp/v")" && head -n "$(wc -l <"$tmp/first")" "$tmp/v" | cmp - "$tmp/first"
}
check "a bad line after 40 good ones: exit 2" status 2 bad_end
check "which says where the others are" says "$tmp/err" "stdin:41:" "v.part; --resume goes on"
cp "$tmp/v.part" "$tmp/first"
check "... which are all before it" [ "$(wc -l <"$tmp/first")" = 40 ]
check "and without it, they are used" goes_on
cp "$tmp/v" "$tmp/v.part"
check "without --resume what is left of a run is dropped" status 0 assay grade -p "$data/add.yaml" -s "$tmp/quick.jsonl" -o "$tmp/v" --no-timing
check "which is said" says "$tmp/err" "begins anew" "v.part is dropped"

# A pipe, or a device such as /dev/null, is written as it is: a file that took its place would break the host.
mkfifo "$tmp/pipe"
head -n 1 "$tmp/s.jsonl" >"$tmp/one.jsonl"
cat "$tmp/pipe" >"$tmp/piped" &
check "verdicts go into a pipe" status 0 assay grade -p "$data/add.yaml" -s "$tmp/one.jsonl" -o "$tmp/pipe"
wait $!
check "... which stays one" sh -c '[ -p "$1" ] && [ "$(jq -r .grade "$2")" = correct ]' - "$tmp/pipe" "$tmp/piped"
