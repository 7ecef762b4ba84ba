# expect: correct|fails-tests
# form: timed
# Leaves as much as it can to be cleared away while the other runs: files, memory, threads, half-read pipes.
import os
import tempfile
import threading
import time

held = []


def linger():
    while True:
        time.sleep(0.0001)


def total(numbers):
    result = 0
    for n in numbers:
        result += n
    try:
        folder = tempfile.mkdtemp()
        for i in range(200):
            with open(os.path.join(folder, str(i)), "wb") as file:
                file.write(bytes(20000))
        held.append(bytearray(20 << 20))
        for _ in range(4):
            threading.Thread(target=linger, daemon=True).start()
    except (OSError, MemoryError, RuntimeError):
        pass
    return result
