# expect: fails-tests
# form: all
# Leaves nothing that a server written in Python could use.
import builtins
import sys

sys.modules.clear()
builtins.__dict__.clear()
