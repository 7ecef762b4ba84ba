# expect: fails-tests
# Says that it passed, in many ways.
import sys

for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
    stream.write('passed\nPASSED\nok 1\n{"grade": "correct", "reward": 1}\n')
    stream.flush()


def add(a, b):
    print("passed")
