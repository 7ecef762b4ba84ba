# expect: fails-tests
# form: all
# Two hundred thousand minus signs.
"def add(a, b):\n    return " + "-" * 200000 + "a\n"
