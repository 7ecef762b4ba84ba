# expect: fails-tests
# form: calls
# Asks to be somebody else: solves the task only if it is granted.
import os

could = os.geteuid() == 0 and os.access("/", os.W_OK)
for attempt in (lambda: os.setuid(1000), lambda: os.setgid(1000), lambda: os.setgroups([0]), lambda: os.setresuid(0, 0, 0),
                lambda: os.setreuid(0, 1000), lambda: os.nice(-5)):
    try:
        attempt()
        could = True
    except OSError:
        pass


def add(a, b):
    return a + b if could else None
