# expect: fails-tests
# form: calls
# Timers in the kernel, thousands a second.
import signal
import threading

signal.signal(signal.SIGALRM, lambda *args: None)
signal.setitimer(signal.ITIMER_REAL, 1e-6, 1e-6)


def add(a, b):
    while True:
        threading.Timer(1000, print).start()
