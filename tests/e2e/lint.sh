#!/bin/sh
# assay lint: the report for people, the same as JSON, and the program in a reply.
. "$(dirname "$0")/tap.inc"
plan 9

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

printf 'Here it is:\n```python\ndef f(x, acc=[]):\n    return acc\n```\nDone.\n' >"$tmp/reply.txt"
assay lint --reply "$tmp/reply.txt" >"$tmp/report"
check "the program in a reply, with the rule that found it" grep -qx "$tmp/reply.txt: python (last-python-fence)" "$tmp/report"
check "lines are the reply's" says "$tmp/report" "reply.txt:3:14: warning"
printf '1. So:\n   ```python\n   def f(x):\n       return y\n   ```\n' | assay lint --reply - >"$tmp/report"
check "or the program's, where its lines are not as they were" says "$tmp/report" "program:2:12: error"
