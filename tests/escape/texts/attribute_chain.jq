# expect: fails-tests
# form: calls
# A path of fifty thousand names.
"def add(a, b):\n    return a" + ".real" * 50000 + " and None\n"
