# expect: fails-tests
# form: calls
# Runs inside of the server, when it collects garbage.
import gc
import os

gc.callbacks.append(lambda phase, info: os._exit(0) if phase == "stop" else None)
gc.set_threshold(1, 1, 1)


def add(a, b):
    return [[n] for n in range(1000)]
