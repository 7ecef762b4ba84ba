# expect: fails-tests syntax-error
# form: calls
# The end of the file is not the end.
"def add(a, b):\n    return a - b\n\u001a\ndef add(a, b):\n    return a + b\n"
