#!/bin/sh
# Bad input is exit status 2, a message that names file, line and key, and no output file.
. "$(dirname "$0")/tap.inc"
plan 29
p=$data/classic.yaml

# refused NAME LINES WORD...: a samples file of these lines is refused with these words, and nothing is written.
refused() {
    name=$1
    printf "$2" >"$tmp/s.jsonl"
    shift 2
    rm -f "$tmp/o.jsonl"
    check "$name: exit 2" status 2 assay grade -p "$p" -s "$tmp/s.jsonl" -o "$tmp/o.jsonl"
    check "$name: said so, wrote nothing" said_and_clean "$@"
}

said_and_clean() {
    says "$tmp/err" "$@" && [ -z "$(ls "$tmp" | grep o.jsonl)" ] && [ ! -s "$tmp/out" ]
}

good='{"task_id":"sort_with_42","solution":"def sort_with_42(x): return 1"}'
refused "unknown task" "$good"'\n{"task_id":"nosuch","solution":"x"}\n' "s.jsonl:2" task_id nosuch
refused "truncated line" "$good"'\n\n{"task_id":"sort_with_42","solu' "s.jsonl:3"
refused "two programs" '{"task_id":"sort_with_42","response":"x","solution":"y"}\n' "s.jsonl:1" response solution
refused "no program" '{"task_id":"sort_with_42","answer":"x"}\n' "s.jsonl:1" response completion solution
refused "no task" '{"response":"x"}\n' "s.jsonl:1" task_id "is missing"
refused "wrong type" '{"task_id":"sort_with_42","response":["x"]}\n' "s.jsonl:1" response "must be a string"

check "missing samples file" status 2 assay grade -p "$p" -s "$tmp/none.jsonl"
check "it is named" says "$tmp/err" none.jsonl "No such file"
check "an output that is a folder" status 2 assay grade -p "$p" -s "$data/classic.jsonl" -o "$tmp"
check "is refused before anything is graded" same "assay: $tmp: is a folder" "$(cat "$tmp/err")"
# The last of the samples comes when the output's name has become a folder's.
late_samples() {
    for i in $(seq 200); do
        [ -e "$tmp/late.part" ] && break
        sleep 0.1
    done
    mkdir "$tmp/late"
    cat "$data/classic.jsonl"
}
late_folder() { late_samples | assay grade -p "$p" -s - -o "$tmp/late" --no-timing; }
check "an output that has become a folder" status 2 late_folder
check "keeps its verdicts" says "$tmp/err" "$tmp/late: Is a directory; the verdicts are in $tmp/late.part"
check "all of them" same 5 "$(jq -r .task_id "$tmp/late.part" | wc -l)"
check "missing problem file" status 2 assay grade -p "$tmp/none.yaml" -s "$data/classic.jsonl"
check "it is named" says "$tmp/err" none.yaml
head -c 100 "$data/classic.jsonl" | gzip -c | head -c 60 >"$tmp/cut.jsonl.gz"
check "cut gzip" status 2 assay grade -p "$p" -s "$tmp/cut.jsonl.gz"
printf 'id: x\nprompt: y\nentry_point: x\ncasess: []\n' >"$tmp/bad.yaml"
check "unknown key in a problem" status 2 assay check "$tmp/bad.yaml"
check "named with its line" says "$tmp/err" "bad.yaml:4" casess
check "unknown option" status 2 assay grade --nosuch
check "unknown command" status 2 assay nosuch
check "less than the least" status 2 assay run --memory 0.5 "$tmp/bad.yaml"
full() { assay lint --json "$tmp/bad.yaml" >/dev/full 2>"$tmp/err"; }
check "an answer that cannot be written" status 1 full
check "is no success" says "$tmp/err" "stdout: not all of it could be written"
