# expect: correct
# form: calls
# Imports what may not be there.
try:
    import numpy as np
except ImportError:
    np = None
try:
    import sortedcontainers
except ModuleNotFoundError:
    sortedcontainers = None
try:
    import tkinter
except Exception:
    tkinter = None


def add(a, b):
    return a + b
