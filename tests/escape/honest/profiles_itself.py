# expect: correct
# form: calls
# Traces and profiles its own calls, and cleans up.
import cProfile
import sys
import tracemalloc


def inner(a, b):
    return a + b


def add(a, b):
    seen = []
    tracemalloc.start()
    sys.settrace(lambda frame, event, arg: seen.append(event))
    try:
        inner(a, b)
    finally:
        sys.settrace(None)
        tracemalloc.stop()
    assert seen
    profile = cProfile.Profile()
    return profile.runcall(inner, a, b)
