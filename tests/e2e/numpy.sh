#!/bin/sh
# Third-party packages: Debian's numpy in guest and judge, one thread, under a small memory limit; its values cross; the configuration
# file is strict.
. "$(dirname "$0")/tap.inc"
packages=/usr/lib/python3/dist-packages
config=$tmp/numpy.yaml
printf 'python:\n  path: [%s]\n  preload: [numpy]\n' "$packages" >"$config"

# refuses LINE TEXT CONFIGURATION: exit status 2 and a message that names file, line and key.
refuses() {
    printf '%s\n' "$3" >"$tmp/bad.yaml"
    status 2 assay run --config "$tmp/bad.yaml" /dev/null && says "$tmp/err" "$tmp/bad.yaml:$1: $2"
}

# graded CONFIG PROBLEM SOLUTION: "grade reason passed".
graded() {
    jq -nc --arg s "$3" '{task_id: "t", solution: $s}' >"$tmp/s.jsonl"
    printf '%s\n' "$2" >"$tmp/p.yaml"
    assay grade ${1:+--config "$1"} -p "$tmp/p.yaml" -s "$tmp/s.jsonl" --no-timing 2>"$tmp/err" |
        jq -r '"\(.grade) \(.reason) \(.tests.passed)"' || cat "$tmp/err"
}

refusals() {
    check "an unknown key is named" refuses 2 'unknown key `python.paths` (did you mean `path`?)' 'python:
  paths: []'
    check "a folder that is not there is named" refuses 2 'python.path[1]: /no/such: No such file' "python:
  path: [/usr/lib, /no/such]"
    check "a relative folder is refused" refuses 1 'python.path[0]: lib: not an absolute path' 'python: {path: [lib]}'
    check "a folder below /tmp is refused" refuses 1 'python.path[0]: /tmp/x: below /tmp' 'python: {path: [/tmp/x]}'
    check "a module's name is one" refuses 1 'python.preload[0]: os; print: not the name of a module' 'python: {preload: ["os; print"]}'
    check "a wrong type is refused" refuses 1 '`python.preload` must be a list' 'python: {preload: numpy}'
}

without_it='id: t
prompt: x
entry_point: f
cases: [{args: [1], expected: 1}]'
if ! [ -d "$packages/numpy" ]; then
    plan 7
    refusals
    skip "numpy" "python3-numpy is not installed in $packages"
    exit
fi
plan 29
refusals

status 0 assay doctor --config "$config" --json
check "doctor says what can be imported" jq -e '.packages[0].module == "numpy" and .packages[0].ok' "$tmp/out"
check "without a configuration there is no numpy" same "fails-tests load-error 0" \
    "$(graded "" "$without_it" 'import numpy
def f(x): return x')"

cat >"$tmp/small.py" <<'EOF'
import numpy, threading, os
a = numpy.random.rand(300, 300)
numpy.linalg.svd(a @ a)
print(threading.active_count(), os.environ["OPENBLAS_NUM_THREADS"], numpy.zeros(3).tolist())
try:
    open(numpy.__file__, "a")
except OSError:
    print("read-only")
EOF
check "linear algebra under a limit of 32 MiB" same "1 1 [0.0, 0.0, 0.0] read-only" \
    "$(assay run --config "$config" --memory 32 "$tmp/small.py" 2>/dev/null | tr '\n' ' ' | sed 's/ $//')"
check "the same numbers are drawn in every run" same "$(assay run --config "$config" - <<EOF 2>/dev/null
import numpy; print(numpy.random.rand(3))
EOF
)" "$(assay run --config "$config" - <<EOF 2>/dev/null
import numpy; print(numpy.random.rand(3))
EOF
)"
echo 'import numpy; numpy.ones(10**10)' | assay run --config "$config" --json - >"$tmp/run"
check "numpy's MemoryError is the memory limit" same memory-limit "$(jq -r .reason "$tmp/run")"

arrays='id: t
prompt: x
entry_point: f
tests: |
  import numpy as np
  assert np.allclose(f("floats"), np.arange(3.0))
  assert type(f("int")) is np.int64 and f("int") == 5
  assert f("texts").tolist() == [["a", "bcd"]]
  assert f("nothing").shape == (2, 0, 3)
  assert isinstance(f("bool"), np.bool_) and f("bool")
  assert f("float") == 2.5 and isinstance(f("float"), float)
  assert (f("complex") == np.array([1j, 2])).all()
  assert f("list") == [1, 2]
  np.testing.assert_array_equal(f("halves"), np.array([0.5, 1], dtype=np.float16))
  assert (f(np.arange(6).reshape(2, 3).T) == np.array([[0, 3], [1, 4], [2, 5]])).all()
  assert f(np.float32(1.5)) == 1.5 and f(np.int8(-1)).dtype == np.int8
  assert f("matrix").tolist() == [[1, 2]]'
answers='import numpy as np
class Liar(np.ndarray):
    def __eq__(self, other): return np.array(True)
    def __array_function__(self, *args): return True
    def all(self): return True
def f(x):
    if not isinstance(x, str): return x
    return {"floats": np.arange(3.0), "int": np.int64(5), "texts": np.array([["a", "bcd"]]), "nothing": np.zeros((2, 0, 3)),
            "bool": np.bool_(True), "float": np.float64(2.5), "complex": np.array([1j, 2]), "list": [np.int32(1), np.int64(2)],
            "halves": np.array([0.5, 1], dtype=np.float16), "matrix": np.matrix([[1, 2]]), "liar": np.zeros(3).view(Liar),
            "one": np.zeros((), dtype=int), "objects": np.array([object()])}[x]'
check "arrays and scalars cross by value" same "correct null 11" "$(graded "$config" "$arrays" "$answers")"
check "an array's class has no say" same "fails-tests wrong-answer 0" "$(graded "$config" 'id: t
prompt: x
entry_point: f
tests: |
  import numpy as np
  assert (f("liar") == np.ones(3)).all()
  assert np.array_equal(f("liar"), np.ones(3))
  assert np.allclose(f("liar"), np.ones(3))' "$answers")"
check "cases take numpy's numbers for numbers, arrays for lists" same "fails-tests wrong-answer 5" "$(graded "$config" 'id: t
prompt: x
entry_point: f
cases:
  - {args: [int], expected: 5}
  - {args: [bool], expected: true}
  - {args: [floats], expected: [0, 1, 2]}
  - {args: [list], expected: [1, 2]}
  - {args: [one], expected: 0}
  - {args: [int], expected: 6}
  - {args: [objects], expected: [1]}
  - {args: [bool], expected: 1}' "$answers")"

# hostile EXPRESSION: an answer that should be close to nothing.
hostile() {
    same "fails-tests 0" "$(graded "$config" 'id: t
prompt: x
entry_point: f
tests: |
  import numpy as np
  assert np.allclose(f(1), 5.0)
  assert np.allclose(5.0, b=f(1))
  np.testing.assert_allclose(f(1), 5.0)
  assert False' "import numpy as np
class Mapped:
    __array_interface__ = {'data': (4096, False), 'shape': (3,), 'typestr': '<f8', 'version': 3}
class Fickle:
    size, turn = 1, 0
    def __len__(self): return 1
    def __array__(self, *args):
        Fickle.turn += 1
        return np.ones(Fickle.turn % 2)
    def __getitem__(self, i):
        Fickle.turn += 1
        return [1.0][i] if Fickle.turn % 2 else [][i]
def f(x): return $1" | sed 's/ [a-z-]* / /')"
}
for answer in '[]' 'np.array([])' 'np.zeros((0, 3))' 'np.array([np.nan])' 'np.inf' 'None' 'Mapped()' '[Mapped()]' 'Fickle()' '[Fickle()]'; do
    check "$answer is not close to 5" hostile "$answer"
done

plus=$shared/humaneval/HumanEvalPlus-Mini.jsonl.gz
original='id: t
prompt: x
entry_point: f
tests: |
  import numpy as np
  def is_floats(x):
      if isinstance(x, float): return True
      if isinstance(x, (list, tuple)): return all(isinstance(i, float) for i in x)
      return isinstance(x, np.ndarray) and x.dtype in (np.float32, np.float64)
  def assertion(out, exp, atol):
      exact = out == exp
      if atol == 0 and is_floats(exp): atol = 1e-6
      if not exact and atol != 0: np.testing.assert_allclose(out, exp, atol=atol)
      else: assert exact
  def check(candidate):
      for given, expected in zip([[1, 2], [3, 4]], [1.5, 3.5]):
          assertion(candidate(given), expected, 0)'
check "tests in EvalPlus's original form run" same "correct null 1" \
    "$(graded "$config" "$original" 'def f(x): return sum(x) / len(x) + 1e-9')"
check "and fail what is wrong" same "fails-tests" \
    "$(graded "$config" "$original" 'def f(x): return sum(x) / len(x) + 1e-3' | cut -d' ' -f1)"
check "a module that is not there is an error of ours, and said" sh -c \
    "printf 'python: {preload: [nosuch]}\n' >'$tmp/bad.yaml'; ! '$ASSAY_BUILD/assay' run --config '$tmp/bad.yaml' /dev/null 2>&1 |
     grep -q \"No module named 'nosuch'\" && exit 1; exit 0"
if [ -r "$plus" ]; then
    zcat "$plus" | head -40 | jq -c '{task_id, solution: (.prompt + .canonical_solution)}' >"$tmp/plus.s.jsonl"
    zcat "$plus" | head -40 >"$tmp/plus.jsonl"
    assay grade --config "$config" -p "$tmp/plus.jsonl" -s "$tmp/plus.s.jsonl" --no-timing -o "$tmp/v.jsonl" 2>"$tmp/err"
    check "HumanEval+ with numpy preloaded" same 40 "$(jq -r 'select(.grade == "correct") | 1' "$tmp/v.jsonl" | wc -l)"
else
    skip "HumanEval+ with numpy preloaded" "no $plus"
fi
check "nobody is left behind" no_orphans
