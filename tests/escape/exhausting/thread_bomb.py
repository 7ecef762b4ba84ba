# expect: fails-tests
# Starts threads for ever.
import threading
import time


def add(a, b):
    while True:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
