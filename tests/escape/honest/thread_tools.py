# expect: correct
# form: calls
# Events, locks, barriers, timers, thread-local values.
import threading


def add(a, b):
    local, lock, event, barrier = threading.local(), threading.RLock(), threading.Event(), threading.Barrier(2)
    total = [0]

    def work(n):
        local.n = n
        barrier.wait(5)
        with lock, lock:
            total[0] += local.n

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in (a, b)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    threading.Timer(0.001, event.set).start()
    assert event.wait(5)
    return total[0]
