# expect: correct
# form: calls
# Producer and consumer.
import queue
import threading


def add(a, b):
    line = queue.Queue(maxsize=1)
    total = []

    def consume():
        while (n := line.get()) is not None:
            total.append(n)
            line.task_done()

    worker = threading.Thread(target=consume)
    worker.start()
    for n in (a, b, None):
        line.put(n)
    worker.join()
    return sum(total)
