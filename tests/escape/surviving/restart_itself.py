# expect: fails-tests
# form: calls
# Begins again at each end.
import atexit
import os
import sys
import threading


def again():
    threading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()
    os.execv(sys.executable or "/usr/bin/python3", ["python3", "solution.py"])


atexit.register(again)


def add(a, b):
    again()
