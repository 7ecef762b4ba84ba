# expect: fails-tests
# form: calls
# One line of a megabyte.
"x = '" + "x" * 1000000 + "'\n"
