"""Runs the tests beside it and prints TAP."""

import os
import sys
import traceback
import unittest


class Tap(unittest.TestResult):
    def __init__(self) -> None:
        super().__init__()
        self.n = 0

    def line(self, good: bool, test: unittest.TestCase, note: str = "") -> None:
        self.n += 1
        print(f"{'ok' if good else 'not ok'} {self.n} - {test.id()}{note}", flush=True)

    def addSuccess(self, test: unittest.TestCase) -> None:
        self.line(True, test)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self.line(True, test, f" # SKIP {reason}")

    def addError(self, test, err) -> None:  # type: ignore[no-untyped-def]
        super().addError(test, err)
        self.line(False, test)
        print("".join("#   " + line for line in "".join(traceback.format_exception(*err)).splitlines(True)))

    addFailure = addError


suite = unittest.defaultTestLoader.discover(os.path.dirname(os.path.abspath(__file__)))
print(f"1..{suite.countTestCases()}")
result = Tap()
suite.run(result)
sys.exit(bool(result.errors))
