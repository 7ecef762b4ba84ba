# expect: fails-tests time-limit
# form: calls
# Two threads that wait for each other.
import threading


def add(a, b):
    first = threading.current_thread()
    other = threading.Thread(target=lambda: threading.Event().wait())
    other.start()
    other.join()
    first.join()
