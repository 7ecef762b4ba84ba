# expect: fails-tests time-limit
# form: calls
# Waits for a signal that nobody sends.
import signal


def add(a, b):
    signal.sigwait([signal.SIGUSR1])
