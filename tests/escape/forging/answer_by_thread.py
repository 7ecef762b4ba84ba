# expect: fails-tests
# form: calls
# A second thread writes answers all the time, whatever is asked.
import itertools
import os
import struct
import threading


def writer():
    for n in itertools.count():
        body = b"i" + struct.pack("<q", n % 50)
        os.write(3, struct.pack("<IBBHI", len(body), 1, 33, 0, n % 50) + body)


threading.Thread(target=writer, daemon=True).start()


def add(a, b):
    while True:
        pass
