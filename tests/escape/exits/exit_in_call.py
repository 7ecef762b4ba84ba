# expect: fails-tests exception
# SystemExit in the body: a harness that trusts the exit status would be content.
import sys


def add(a, b):
    sys.exit(0)
