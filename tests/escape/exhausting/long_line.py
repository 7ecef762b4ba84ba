# expect: fails-tests
# form: printed
# One line without end.
import sys

while True:
    sys.stdout.write("3" * 65536)
