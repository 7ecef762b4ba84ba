# expect: fails-tests
# form: all
# Ten thousand nested parentheses.
"def add(a, b):\n    return " + "(" * 10000 + "a + b" + ")" * 10000 + "\n"
