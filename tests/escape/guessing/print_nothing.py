# expect: fails-tests
# form: printed checked
# No output, no error.
