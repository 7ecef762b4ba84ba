# expect: correct|fails-tests
# form: timed
# Has the work done by other threads.
import threading


def total(numbers):
    parts = []

    def work(piece):
        result = 0
        for n in piece:
            result += n
        parts.append(result)

    half = len(numbers) // 2
    threads = [threading.Thread(target=work, args=(piece,)) for piece in (numbers[:half], numbers[half:])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return parts[0] + parts[1]
