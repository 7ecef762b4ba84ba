# expect: fails-tests
# form: calls
# And from a handler, which interrupts whatever the server does.
import os
import signal


def handler(*args):
    try:
        os.fork()
        os.kill(os.getppid(), 9)
    except OSError:
        pass


signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)


def add(a, b):
    return None
