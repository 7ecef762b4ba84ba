# expect: fails-tests time-limit
# form: calls
# Catches whatever a time-out could raise.
import signal


def again(*args):
    add(1, 2)


for number in (signal.SIGXCPU, signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGVTALRM, signal.SIGPROF):
    signal.signal(number, again)


def add(a, b):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
