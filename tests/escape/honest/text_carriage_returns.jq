# expect: correct
# form: calls
# Line ends of another system.
"def add(a, b):\r\n    if a:\r\n        return a + b\r\n    return b\r\n"
