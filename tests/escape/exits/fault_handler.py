# expect: fails-tests
# form: calls
# Sets up the fault handler to end it, then faults.
import faulthandler


def add(a, b):
    faulthandler.dump_traceback_later(0.01, exit=True)
    while True:
        pass
