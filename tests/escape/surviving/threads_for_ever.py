# expect: fails-tests
# form: all
# Threads that are nobody's daemons, and a shutdown that waits for them.
import threading
import time


def forever():
    while True:
        time.sleep(0.01)


for _ in range(8):
    threading.Thread(target=forever).start()


def add(a, b):
    return None
