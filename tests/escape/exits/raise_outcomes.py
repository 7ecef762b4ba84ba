# expect: fails-tests
# form: pytest calls
# The outcomes of test frameworks, by their own names and bases.
import unittest


class Skipped(unittest.SkipTest):
    pass


class XFailed(BaseException):
    pass


XFailed.__module__ = "pytest"
kinds = [Skipped, unittest.SkipTest, XFailed, unittest.case._ShouldStop, KeyboardInterrupt]


def add(a, b):
    raise kinds[hash(str(a)) % len(kinds)]("skipped")
