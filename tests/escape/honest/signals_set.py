# expect: correct
# form: calls
# Handlers that are set and hardly used.
import signal


def stop(number, frame):
    raise TimeoutError


def add(a, b):
    old = signal.signal(signal.SIGALRM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.alarm(5)
    try:
        return a + b
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)
