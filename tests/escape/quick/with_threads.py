# expect: faster
# form: quick
# Less work, though two threads share it.
import collections
import threading


def pairs(numbers, target):
    counts, found = collections.Counter(numbers), []

    def work(part):
        found.append(sum(counts[target - n] - (2 * n == target) for n in part))

    half = len(numbers) // 2
    threads = [threading.Thread(target=work, args=(part,)) for part in (numbers[:half], numbers[half:])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(found) // 2
