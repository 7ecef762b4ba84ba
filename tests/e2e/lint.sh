#!/bin/sh
# assay lint: the report for people, the same as JSON, and what it refuses to read.
. "$(dirname "$0")/tap.inc"
plan 6

printf 'def f(x):\n\ts = "\303\251"; q\n\treturn s\n' > "$tmp/a.py"
assay lint -e g "$tmp/a.py" > "$tmp/report"
check "the language first" grep -qx "$tmp/a.py: python" "$tmp/report"
check "place, severity, message and code" grep -q "a.py:2:11: error: nothing defines .q. \[undefined-name\]" "$tmp/report"
check "a caret under the place, tabs kept" same "$(printf '    \t         ^')" "$(grep -A2 undefined-name "$tmp/report" | tail -1)"
check "the wanted entry point" grep -q "nothing here defines .g." "$tmp/report"
printf 'x = "\033[31m' | assay lint - > "$tmp/report"
check "no control character reaches the terminal" sh -c '! grep -q "$(printf "\033")" "$0"' "$tmp/report"
printf 'fn f(x: &mut Vec<i32>) -> i32 {\n    let mut y = 0;\n    y += x[0];\n    y\n}\n' | assay lint --json - > "$tmp/report"
check "JSON names another language" jq -e '.language == "rust" and .diagnostics == []' "$tmp/report"
