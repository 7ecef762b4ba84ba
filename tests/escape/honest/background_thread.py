# expect: correct
# form: calls
# A daemon that is still there at the end.
import threading
import time

counter = 0


def tick():
    global counter
    while True:
        counter += 1
        time.sleep(0.001)


threading.Thread(target=tick, daemon=True).start()


def add(a, b):
    return a + b
