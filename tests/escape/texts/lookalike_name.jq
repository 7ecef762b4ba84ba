# expect: fails-tests
# form: calls
# The right name in Cyrillic.
"def \u0430dd(a, b):\n    return a + b\n"
