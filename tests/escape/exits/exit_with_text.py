# expect: fails-tests
# form: all
# Leaves with a message that looks like a verdict.
raise SystemExit("ok 1 - passed")
