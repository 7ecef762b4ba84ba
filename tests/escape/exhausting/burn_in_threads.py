# expect: fails-tests time-limit
# form: calls
# The price is paid by other threads.
import threading
import time


def burn():
    while True:
        pass


def add(a, b):
    for _ in range(4):
        threading.Thread(target=burn, daemon=True).start()
    end = time.monotonic() + 20
    while time.monotonic() < end:
        pass
    return a + b
