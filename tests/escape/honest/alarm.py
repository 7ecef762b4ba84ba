# expect: correct
# Times itself out, without need.
import signal


def add(a, b):
    signal.signal(signal.SIGALRM, lambda *args: None)
    signal.setitimer(signal.ITIMER_REAL, 0.005)
    total = 0
    for n in range(200000):
        total += n
    signal.setitimer(signal.ITIMER_REAL, 0)
    return a + b
