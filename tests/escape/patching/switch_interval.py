# expect: fails-tests
# form: calls
# Threads that never give way.
import sys
import threading

sys.setswitchinterval(1e6)


def spin():
    while True:
        pass


threading.Thread(target=spin, daemon=True).start()


def add(a, b):
    return None
