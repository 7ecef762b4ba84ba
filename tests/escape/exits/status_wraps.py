# expect: fails-tests
# form: stdio
# Leaves with a status that looks like success when it is cut short.
import sys

print(3)
sys.exit(2**64 + 256)
