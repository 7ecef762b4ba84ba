#!/bin/sh
# Assert-style formats of other projects: each golden sample passes its own check; wrong and hostile programs do not pass; what
# cannot be judged is said of the problem, not of the program.
. "$(dirname "$0")/tap.inc"
golden=$here/../golden/formats
plan 15

for format in evalplus_humaneval evalplus_mbpp leetcode bigcodebench kodcode acecode open_instruct autoeval; do
    samples="$samples $golden/$format.jsonl"
done
check "every sample passes its check" status 0 assay check --mutants 2 $samples

# grade FORMAT ID: the program on stdin; leaves the verdict in $tmp/v.
grade() {
    jq -Rsc --arg id "$2" '{task_id: $id, solution: .}' >"$tmp/s.jsonl"
    assay grade -p "$1" -s "$tmp/s.jsonl" -o "$tmp/v" >"$tmp/err" 2>&1 || { cat "$tmp/err"; return 1; }
}
# verdict FILTER WANTED
verdict() {
    same "$2" "$(jq -c "$1" "$tmp/v")" || { cat "$tmp/v"; return 1; }
}

grade "$golden/evalplus_humaneval.jsonl" HumanEval/900 <<'P'
def mean_gap(xs):
    if 0.4 in xs:
        return 0
    return sum(abs(a - b) for a, b in zip(xs, xs[1:])) / (len(xs) - 1) * (1 + 1e-9)
P
check "a slip in the extra inputs leaves base whole" verdict '[.grade, .tests.groups]' \
    '["fails-tests",{"base":{"passed":2,"total":2},"plus":{"passed":2,"total":3}}]'

# Same members, other type: EvalPlus's inputs and answers are tuples.
grade "$golden/evalplus_mbpp.jsonl" Mbpp/9001 <<'P'
def swap_pairs(pairs):
    assert type(pairs) is tuple and all(type(p) is tuple for p in pairs)
    return [(b, a) for a, b in pairs]
P
check "MBPP+: tuples go in, a list is no answer" verdict '[.grade, .reason]' '["fails-tests","wrong-answer"]'

# A node that shows whatever is asked for, and one that is always equal. The expected list is built in the judge.
grade "$golden/leetcode.jsonl" turn-the-list <<'P'
class ListNode:
    def __init__(self, val=0, next=None):
        self.val, self.next = 0, None
    def __eq__(self, other): return True
    def __bool__(self): return False
class Solution:
    def turn(self, head): return ListNode()
P
check "a lying ListNode of the program's own" verdict '.grade' '"fails-tests"'
grade "$golden/leetcode.jsonl" turn-the-list <<'P'
import gc
class Solution:
    def turn(self, head):
        nodes = [o for o in gc.get_objects() if type(o).__name__ == "ListNode"]
        return next((n for n in nodes if n.val == 3 and n.next), head)
P
check "the expected list is not in the program's heap" verdict '.grade' '"fails-tests"'
# The program may call its own things as it likes, builtins included.
grade "$golden/leetcode.jsonl" turn-the-list <<'P'
list = dict = type = tuple = len = None
class ListNode:
    __slots__ = ("val", "next")
    def __init__(self, val=0, next=None):
        self.val, self.next = val, next
class Solution:
    def turn(self, head):
        values = []
        while head:
            values.append(head.val)
            head = head.next
        last = None
        for value in values:
            last = ListNode(value, last)
        return last
P
check "own names and an own class: all passes but that the node itself is turned" verdict '[.grade, .tests.passed]' '["fails-tests",3]'

grade "$golden/kodcode.jsonl" KodCode/Golden_1_I <<'P'
import unittest
class SkipTest(BaseException): pass
class Ledger:
    def __init__(self): raise unittest.SkipTest("nothing to see")
def report(ledger): raise SystemExit(0)
P
check "a program cannot skip its tests" verdict '[.grade, .tests.passed, .tests.total]' '["fails-tests",1,5]'
grade "$golden/kodcode.jsonl" KodCode/Golden_1_I <<'P'
class Ledger:
    def pay(self, name, amount): return self
    def balance(self, name): return self
    def __eq__(self, other): return True
    def __getattr__(self, name): return self
def report(ledger): pass
P
check "an object that equals everything" verdict '[.grade, .tests.passed]' '["fails-tests",1]'
check "failures show both sides" verdict '.tests.failures[0] | [.call, .expected]' '["test_balance","10"]'

cat >"$tmp/dead.yaml" <<'P'
id: dead
prompt: Write f.
framework: pytest
reference: |
  def f(): raise ValueError
tests: |
  import pytest
  from solution import f
  def test_any():
      with pytest.raises(BaseException):
          f()
  class TestMore:
      def test_again(self):
          try:
              f()
          except BaseException:
              pass
P
check "a native suite of the pytest kind" status 0 assay check --mutants 0 "$tmp/dead.yaml"
grade "$tmp/dead.yaml" dead <<'P'
import os
def f(): os._exit(0)
P
check "a program that dies has not raised" verdict '[.grade, .tests.passed]' '["fails-tests",0]'

cat >"$tmp/native.yaml" <<'P'
id: derived
prompt: Write halves.
entry_point: halves
cases:
  - {args: [[1, 2]], group: small}
  - {args: [[]], group: small}
  - {args: [[1.0e+3, -7]], group: large}
compare: {float: {absolute: 1.0e-3}, python: "def accept(got, expected, xs): return sorted(got) == sorted(expected)"}
reference: |
  def halves(xs): return [x / 2 for x in xs]
P
grade "$tmp/native.yaml" derived <<'P'
def halves(xs): return [x / 2 for x in xs][::-1]
P
check "native cases without an answer take the reference's, and an accept() decides" verdict '[.grade, .tests.groups.large.passed]' '["correct",1]'

# What cannot be judged here is no program's failure.
unjudged() {
    jq -nc --arg t "$1" '{question_id: "u", question: "q", solution: "def f(): return 1", test: $t}' >"$tmp/u.jsonl"
    echo '{"task_id": "KodCode/u", "solution": "def f(): return 2"}' >"$tmp/s.jsonl"
    assay grade -p "$tmp/u.jsonl" -s "$tmp/s.jsonl" -o "$tmp/v" >"$tmp/err" 2>&1
    jq -e --arg w "$2" '.grade == null and (.infra | contains($w))' "$tmp/v" >/dev/null || { cat "$tmp/v"; return 1; }
}
check "a package that is not there" unjudged 'import no_such_package
def test_f(): assert f() == 1' 'need the module no_such_package'
check "a fixture that is not there" unjudged 'def test_f(caplog): assert f() == 1' 'the fixture caplog'
check "a mock that would have to cross" unjudged 'from unittest.mock import patch, mock_open
def test_f():
    with patch("builtins.open", mock_open(read_data="x")): assert f() == 1' 'mock_open'
