#!/bin/sh
# SandboxFusion's addresses: programs with files, submissions, lists of problems, and what is refused.
. "$(dirname "$0")/tap.inc"
plan 53
sock=$tmp/s.sock
"$ASSAY_BUILD/assay" serve -p "$data/classic.yaml" -p "$data/add.yaml" --listen "unix:$sock" 2>"$tmp/log" &
server=$!
server_answers "$sock"

# ask CODE PATH [BODY]: the answer is in $tmp/a; its status must be CODE.
ask() {
    got=$(curl -s --max-time 60 -o "$tmp/a" -w '%{http_code}' --unix-socket "$sock" "http://x$2" ${3:+-d "$3"})
    [ "$got" = "$1" ] || { echo "status $got, wanted $1"; cat "$tmp/a"; return 1; }
}
# answers JQ: true of the last answer.
answers() { jq -e "$1" "$tmp/a" >/dev/null || { cat "$tmp/a"; return 1; }; }

check "ping" ask 200 /v1/ping
check "says pong" answers '. == "pong"'

# Files. "aGVsbG8=" is hello.
check "files go in and out" ask 200 /run_code '{"language":"python","fetch_files":["b/out.bin","missing","b"],"files":{"a/in.txt":"aGVsbG8=","none":null},
    "code":"import os\nprint(open(\"a/in.txt\").read(), __name__, os.path.exists(\"none\"))\nos.mkdir(\"b\")\nopen(\"b/out.bin\",\"wb\").write(bytes(range(4)))"}'
check "as they should" answers '.status == "Success" and .run_result.stdout == "hello __main__ False\n" and .files == {"b/out.bin": "AAECAw=="}'
check "a program with files fails" ask 200 /run_code '{"language":"python","fetch_files":["x"],"code":"open(\"x\",\"w\").write(\"q\")\ndef f():\n    1/0\nf()"}'
check "its traceback is its own, its file comes" answers '.status == "Failed" and .run_result.return_code == 1 and .files == {"x": "cQ=="} and
    (.run_result.stderr | test("line 4, in <module>")) and (.run_result.stderr | test("_run_with_files|exec") | not)'
check "one that exits" ask 200 /run_code '{"language":"python","fetch_files":["x"],"code":"import sys\nopen(\"x\",\"w\").write(\"q\")\nprint(1)\nsys.exit(4)"}'
check "keeps its status" answers '.run_result.return_code == 4 and .run_result.stdout == "1\n" and .files == {"x": "cQ=="}'
check "one that does not end in order" ask 200 /run_code '{"language":"python","fetch_files":["x"],"code":"import os\nopen(\"x\",\"w\").write(\"q\")\nos._exit(0)"}'
check "has no files" answers '.status == "Success" and .files == {}'
check "the next one does not see them" ask 200 /run_code '{"language":"python","fetch_files":["x"],"code":"pass"}'
check "there is none" answers '.files == {}'
big=$(head -c 3000000 /dev/zero | tr '\0' x | base64 -w0)
printf '{"language":"python","files":{"big":"%s"},"fetch_files":["big"],"code":"print(len(open(\\"big\\").read()))"}' "$big" >"$tmp/body"
check "three million bytes, there and back" ask 200 /run_code "@$tmp/body"
check "all of them" answers '.run_result.stdout == "3000000\n" and (.files.big | length) == 4000000'
for name in ../x /etc/x a/../../x a/ ''; do
    check "a file called '$name'" ask 422 /run_code "{\"language\":\"python\",\"code\":\"\",\"files\":{\"$name\":\"\"}}"
done
long=$(printf '/x%400s' '' | sed 's/ /\xc3\xa9/g')
check "a name of many letters, of two bytes each" ask 422 /run_code "{\"language\":\"python\",\"code\":\"\",\"files\":{\"$long\":\"\"}}"
check "is quoted up to some letter" answers '(.error | startswith("files./x\u00e9\u00e9")) and (.detail[0].loc[2] | length) == 402'
check "no base64" ask 422 /run_code '{"language":"python","code":"","files":{"x":"abc"}}'

# Fields.
for body in '[]' '{"code":"1"}' '{"code":1,"language":"python"}' '{"code":"1","language":"klingon"}' '{"code":"1","language":"python","run_timeout":"soon"}' \
    '{"code":"1","language":"python","run_timeout":-1}' '{"code":"1","language":"python","fetch_files":[1]}'; do
    check "422: $body" ask 422 /run_code "$body"
done
check "which names the key" answers '.detail[0].loc == ["body", "fetch_files"] and .detail[0].msg'
check "another language" ask 200 /run_code '{"code":"1","language":"cpp"}'
check "is SandboxError" answers '.status == "SandboxError" and .run_result == null and (.message | test("python"))'

# Submissions.
submit() { ask "$1" /submit "{\"dataset\":\"$2\",\"id\":$3,\"completion\":$(jq -n --arg c "$4" '$c'),\"config\":${5:-{\}}}"; }
check "a right one" submit 200 add '"add"' 'Sure:
```python
def add(a, b):
    return a + b
```'
check "is accepted, its tests are hidden" answers '.accepted and .id == "add" and .test_code == "" and .extracted_type == "fenced" and .extracted_code == "def add(a, b):\n    return a + b\n" and
    (.tests | length) == 4 and all(.tests[]; .passed and .exec_info.status == "Success")'
oj='{"language":"python","run_timeout":5,"provided_data":{"id":7,"content":"Double it.","labels":{},"test":[{"input":{"stdin":"2"},"output":{"stdout":"4"}},{"input":{"stdin":"3"},"output":{"stdout":"7"}}]}}'
check "a problem of its own, CommonOJ" submit 200 mine 7 '```python
print(int(input()) * 2)
```' "$oj"
check "passes one test of two" answers '(.accepted | not) and .id == 7 and [.tests[].passed] == [false, true] and .tests[0].exec_info.run_result.return_code == 1'
auto='{"provided_data":{"id":3,"content":"Write twice(x).","labels":"{\"programming_language\":\"python\"}","test":{"code":"assert twice(2) == 4\nassert twice(0) == 0","asset":null}}}'
check "a problem of its own, AutoEval" submit 200 mine 3 'def twice(x): return 2 * x' "$auto"
check "is accepted" answers '.accepted and .extracted_type == "heuristic"'
check "prose" submit 200 mine 3 'I do not know how to do that, sorry.' "$auto"
check "has a test that failed, for all of none would pass" answers '(.accepted | not) and (.tests | length) > 0 and all(.tests[]; .passed | not)'
check "no such data set" submit 400 nowhere 1 x
check "no such problem" submit 404 add 12 x
check "a language that is not graded" submit 400 add '"add"' x '{"language":"cpp"}'
check "code to be run by the server" submit 400 add '"add"' x '{"custom_extract_logic":"import os"}'
check "tests that cannot be read" submit 400 mine 1 x '{"provided_data":{"id":1,"content":"x","test":5}}'

# Lists.
check "data sets" ask 200 /list_datasets
check "are the sources" answers '. == ["classic", "add"]'
check "ids" ask 200 /list_ids '{"dataset":"add","config":{}}'
check "one" answers '. == ["add"]'
check "prompts" ask 200 /get_prompts '{"dataset":"classic","config":{},"offset":0,"limit":1}'
check "without tests" answers '(. | length) == 1 and .[0].id == "sort_with_42" and .[0].labels.entry_point == "sort_with_42" and (.[0].labels | has("tests") or has("cases") or has("reference") | not)'
check "one prompt" ask 200 /get_prompt_by_id '{"dataset":"add","id":"add","config":{}}'
check "is it" answers '.prompt | test("add")'
