# expect: fails-tests
# form: calls
# Two hundred thousand lines.
"x = 1\n" * 200000
