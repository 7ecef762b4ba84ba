# expect: fails-tests
# Kills the process that forked it.
import os
import signal


def add(a, b):
    os.kill(os.getppid(), signal.SIGKILL)
