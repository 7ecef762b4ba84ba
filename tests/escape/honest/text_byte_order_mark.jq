# expect: correct
# form: calls
# A mark of the byte order at the start.
"\ufeffdef add(a, b):\n    return a + b\n"
