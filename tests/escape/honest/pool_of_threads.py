# expect: correct
# form: calls
# needs: mntns
# The thread pool with the processes' interface.
from multiprocessing.dummy import Pool as DummyPool
from multiprocessing.pool import ThreadPool


def add(a, b):
    with ThreadPool(2) as pool, DummyPool(2) as other:
        return sum(pool.map(int, [a, b])) + sum(other.starmap(lambda x, y: 0, [(a, b)]))
