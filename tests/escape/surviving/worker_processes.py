# expect: fails-tests
# form: calls
# Workers of the library, of every kind.
import concurrent.futures
import multiprocessing
import time


def forever():
    while True:
        time.sleep(1)


for kind in ("fork", "spawn", "forkserver"):
    try:
        multiprocessing.get_context(kind).Process(target=forever).start()
    except (OSError, ValueError, ImportError):
        pass
try:
    concurrent.futures.ProcessPoolExecutor(2).submit(forever)
except (OSError, ImportError, RuntimeError):
    pass


def add(a, b):
    return None
