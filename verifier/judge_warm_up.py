"""What a guest runs before its clock starts, ours and the same for both programs of a pair: a little of what programs do.

A fork's first compilation and first calls meet some hundred pages that it shares with its parent, and copies each: about half a
millisecond, which is no program's merit or fault. Nor is that memory is new to a process that has just begun: a page of it costs
more to meet than to fill with integers, and a program that runs for longer meets it once. So some is taken and given back here, of both
kinds of which the interpreter takes it: a megabyte in small blocks, of which a few stay, lest all of it goes back to the system, and a
quarter of one in large blocks, after a larger one has taught the C library to keep such memory. Beyond that a program pays
for its memory itself. Nothing else is left when the program is loaded but those pages.
"""
import gc
import math
from collections import defaultdict
from typing import List


class Node:
    def __init__(self, value, following=None):
        self.value, self.following = value, following

    def __iter__(self):
        node = self
        while node is not None:
            yield node.value
            node = node.following


def primes(limit: int) -> List[int]:
    flags = [True] * (limit + 1)
    for n in range(2, math.isqrt(limit) + 1):
        if flags[n]:
            flags[n * n :: n] = [False] * len(flags[n * n :: n])
    return [n for n in range(2, limit + 1) if flags[n]]


def words(text, *, least=1):
    counts = defaultdict(int)
    for word in text.lower().split():
        word = "".join(c for c in word if c.isalpha() or c in "'-")
        if len(word) >= least and not (word.startswith("x") or word.endswith("z")):
            counts[word] += 1
    return sorted(counts, key=lambda word: (-counts[word], word))


def number(text):
    try:
        return int(text)
    except ValueError:
        return float(text) / 3


table = {(i, j): str(i * j % 7) for i in range(9) for j in range(9)}
found = sum(Node(2.5, Node(4))) + max(map(abs, primes(99))) - min(3, 10**20)
rows = ["%d:%s" % (i, f"{found:.2f}" + ",".join(table.values())[::-1]) for i in range(5)]
words("-- the lazy dog's " + rows[0], least=2), number("12"), number("1e3"), divmod(7, 2), {3, 4} | {5}, rows.pop(), rows[1:3]

large = bytes(1 << 20)
del large
large = b"x" * (1 << 18)
small = [bytes(460) for _ in range(2048)]
stay = small[::256]
stay.append(stay)
del table, found, rows, Node, large, small, stay
gc.freeze()
