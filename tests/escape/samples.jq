# The programs of this folder as samples. Input, raw and slurped: every file behind a line that holds \u001e and its name.
# Each program is graded once per form, and after each hostile one an honest program, in the same slot.

def heads:                          # "# key: value" of the first lines
    [.[:600] | split("\n")[:6][] | capture("^# (?<key>expect|form|needs): *(?<value>.*)$")] | from_entries;

def forms:
    {all: ["function", "assert", "stdio"], calls: ["function", "assert"],
     printed: ["stdio", "tokens", "spread", "decimal"],
     lies: ["function", "assert", "near", "zero", "order", "member", "collect", "convert", "methods", "unittest", "pytest", "float"]} as $sets
    | split(" ") | map($sets[.] // [.]) | add;

def filled:                         # what a program attacks on this host
    (split("0@PORT@") | join($port)) | (split("0@PID@") | join($pid)) | (split("@CANARY@") | join($canary))
    | (split("@MARK@") | join($mark)) | (split("@TOKEN@") | join($token));

def sample($head; $file; $form; $round):
    {file: $file, form: $form, expect: $head.expect, needs: ($head.needs // ""), round: $round,
     honest: ($file | startswith("honest/") or startswith("quick/"))}
    | .task_id = $form + if .honest then "" else "-tight" end;

split("\u001e")[1:]
| map(index("\n") as $at | {file: .[:$at], source: .[$at + 1:]})
| map(. as {$file, $source} | ($source | heads) as $head
      | ($head.form // "function" | forms | map(select(. as $f | ($only | . == "" or (split(" ") | index($f)))))) as $forms
      | {file: $file, head: $head, forms: $forms,
         text: (if $file | endswith(".jq") then $texts[$file] else $source end | filled)})
| [.[] | . as $p | (if $p.file | startswith("stash/") then range(3) else 0 end) as $round | $p.forms[] | . as $form
   | sample($p.head; $p.file; $form; $round)
     + (if $form == "reply" then {response: $p.text}
        else {solution: ($p.text + if $round > 0 then "\n# again \($round)\n" else "" end)} end)]
| foreach .[] as $s (-1; . + 1; {key: (. % $shares), sample: $s})
| .key as $share | (.sample, if .sample.honest then empty else
        {task_id: "function", after: .sample.file,
         solution: "def add(a, b):\n    return a + b  # after \(.sample.file) as \(.sample.form), \(.sample.round)\n"} end)
| "\($share)\t\(tojson)"
