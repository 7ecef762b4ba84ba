# expect: fails-tests time-limit
# form: calls
# Every thread stops itself, the watcher included.
import os
import signal
import threading
import time


def again():
    while True:
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(0.001)


threading.Thread(target=again, daemon=True).start()


def add(a, b):
    time.sleep(100)
