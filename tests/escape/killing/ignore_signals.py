# expect: fails-tests time-limit
# form: calls
# Blocks and ignores every signal there is, then stays.
import signal

for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))


def add(a, b):
    while True:
        pass
