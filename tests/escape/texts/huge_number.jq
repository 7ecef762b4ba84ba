# expect: fails-tests
# form: calls
# A number of half a million digits, in the source.
"def add(a, b):\n    return " + "9" * 500000 + "\n"
