# expect: fails-tests
# form: stdio
# Leaves what it read for the next input's run: solves the task only after a note was found.
import os
import sys

note = None
for folder in ("/tmp", "/var/tmp", "/dev/shm", "."):
    try:
        with open(os.path.join(folder, "note")) as file:
            note = file.read()
    except OSError:
        pass
for folder in ("/tmp", "/var/tmp", "/dev/shm", "."):
    try:
        with open(os.path.join(folder, "note"), "w") as file:
            file.write("seen")
    except OSError:
        pass
a, b = map(int, sys.stdin.read().split()[:2])
if note:
    print(a + b, a * b, sep="\n")
