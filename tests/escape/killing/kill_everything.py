# expect: fails-tests
# Signal 9 to whatever it may reach, one by one.
import os

for pid in [-1, *range(1, 5000)]:
    if pid != os.getpid():
        try:
            os.kill(pid, 9)
        except OSError:
            pass


def add(a, b):
    return None
