# expect: fails-tests
# form: calls
# Format strings within format strings.
"def add(a, b):\n    return f'" + "{a:{b:{a:" * 400 + "}}}" * 400 + "'\n"
