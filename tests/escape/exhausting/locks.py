# expect: fails-tests
# form: calls
# Waits for a lock that it holds itself.
import threading

lock = threading.Lock()


def add(a, b):
    with lock:
        with lock:
            return None
