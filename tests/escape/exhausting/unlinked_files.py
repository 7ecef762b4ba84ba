# expect: fails-tests
# form: calls
# Files without names fill what there is.
import tempfile

kept = []


def add(a, b):
    while True:
        file = tempfile.TemporaryFile()
        kept.append(file)
        while file.write(b"x" * (1 << 20)):
            pass
