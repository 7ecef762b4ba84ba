# expect: fails-tests syntax-error|load-error
# form: all
# A NUL hides what comes after it from some readers.
"def add(a, b):\n    return a - b\n\u0000\ndef add(a, b):\n    return a + b\n"
