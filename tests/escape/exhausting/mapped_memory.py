# expect: fails-tests
# form: calls
# Private mappings, past the allocator.
import mmap

kept = []


def add(a, b):
    while True:
        block = mmap.mmap(-1, 1 << 24, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        block.write(b"x" * (1 << 24))
        kept.append(block)
