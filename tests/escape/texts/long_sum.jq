# expect: fails-tests
# form: calls
# One expression of two hundred thousand terms.
"def add(a, b):\n    return 1" + "+1" * 200000 + "\n"
