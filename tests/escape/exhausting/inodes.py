# expect: fails-tests
# form: calls
# Empty files without end.
import itertools


def add(a, b):
    for n in itertools.count():
        open(f"/tmp/{n}", "w").close()
