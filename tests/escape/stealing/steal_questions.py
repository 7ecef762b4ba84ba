# expect: fails-tests
# Reads the questions that were meant for the server of this process.
import os
import threading


def thief():
    while True:
        os.read(3, 1 << 16)


threading.Thread(target=thief, daemon=True).start()


def add(a, b):
    return a + b + 1
