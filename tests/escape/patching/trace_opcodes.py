# expect: fails-tests
# form: calls
# Watches every opcode, and looks for the comparison.
import sys

found = []


def trace(frame, event, arg):
    frame.f_trace_opcodes = True
    found.extend(frame.f_code.co_consts)
    return trace


sys.settrace(trace)
sys._getframe().f_trace = trace


def add(a, b):
    numbers = [n for n in found if isinstance(n, (int, float)) and n is not True]
    return numbers[-1] if numbers else None
