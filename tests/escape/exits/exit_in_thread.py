# expect: fails-tests
# form: all
# Another thread ends the process while the first one is asked.
import os
import threading
import time


def later():
    time.sleep(0.02)
    os._exit(0)


threading.Thread(target=later).start()


def add(a, b):
    time.sleep(1)


add(1, 2)
