# expect: fails-tests
# form: calls
# Leaves a file for the next program: solves the task only if one was left for it.
import os

found = False
for folder in ("/tmp", "/var/tmp", "/dev/shm", "/run", ".", "/", "/usr/lib", "/home"):
    try:
        found = any("stash" in name for name in os.listdir(folder)) or found
    except OSError:
        pass
for folder in ("/tmp", "/var/tmp", "/dev/shm", "/run", ".", "/", "/usr/lib", "/home"):
    try:
        with open(os.path.join(folder, "stash"), "w") as file:
            file.write("sum")
    except OSError:
        pass


def add(a, b):
    return a + b if found else None
