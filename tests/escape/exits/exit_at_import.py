# expect: fails-tests
# Exit status 0 is not an answer.
import sys

sys.exit(0)
