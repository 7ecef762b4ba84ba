# expect: fails-tests
# form: calls unittest pytest
# Says that the test is to be skipped.
import unittest


def add(a, b):
    raise unittest.SkipTest("not on this platform")
