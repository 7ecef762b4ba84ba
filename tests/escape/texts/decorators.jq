# expect: fails-tests
# form: calls
# Twenty thousand decorators.
"@str\n" * 20000 + "def add(a, b):\n    return a + b\n"
