# expect: fails-tests
# Replaces what others return by tracing them.
import sys
import threading


def tracer(frame, event, argument):
    for name in list(frame.f_locals):
        frame.f_locals[name] = True
    return tracer


sys.settrace(tracer)
sys.setprofile(tracer)
threading.settrace(tracer)


def add(a, b):
    return -1
