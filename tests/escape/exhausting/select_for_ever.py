# expect: fails-tests
# form: calls
# Waits on the judge's own socket.
import select


def add(a, b):
    while True:
        select.select([3], [], [], None)
