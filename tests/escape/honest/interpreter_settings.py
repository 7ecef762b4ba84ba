# expect: correct
# form: calls
# Turns every knob that people turn.
import gc
import sys

sys.setrecursionlimit(10**6)
sys.set_int_max_str_digits(0)
sys.setswitchinterval(0.001)
gc.disable()
gc.collect()


def add(a, b):
    assert len(str(10**5000)) == 5001
    return a + b
