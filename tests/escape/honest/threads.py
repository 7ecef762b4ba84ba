# expect: correct
# Sixteen workers, joined.
import threading


def add(a, b):
    results = []
    workers = [threading.Thread(target=results.append, args=(n,)) for n in (a, b, *[0] * 14)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(results)
