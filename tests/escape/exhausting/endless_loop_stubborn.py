# expect: fails-tests time-limit
# Never returns, ignores every signal and swallows every exception.
import signal

for number in range(1, 32):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass


def add(a, b):
    while True:
        try:
            sum(range(1000000))
        except BaseException:
            continue
