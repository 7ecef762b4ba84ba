# expect: fails-tests
# form: calls
# Two threads write halves of frames between each other's.
import os
import struct
import threading


def add(a, b):
    body = b"i" + struct.pack("<q", 3)
    frame = struct.pack("<IBBHI", len(body), 1, 33, 0, 2) + body

    def halves():
        for _ in range(1000):
            os.write(3, frame[:7])
            os.write(3, frame[7:])

    threads = [threading.Thread(target=halves) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
