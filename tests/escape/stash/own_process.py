# expect: fails-tests
# form: calls
# Leaves marks in the process, should it be used again: solves the task only if there are some.
import builtins
import gc
import os
import sys

found = hasattr(builtins, "stash") or "stash" in sys.modules or "STASH" in os.environ
found = found or any(isinstance(thing, dict) and "stash-mark" in thing for thing in gc.get_objects())
builtins.stash = sys
sys.modules["stash"] = sys
os.environ["STASH"] = "1"
kept = {"stash-mark": 1}


def add(a, b):
    return a + b if found else None
