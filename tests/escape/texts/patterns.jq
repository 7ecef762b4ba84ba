# expect: fails-tests
# form: calls
# Patterns in patterns.
"def add(a, b):\n    match a:\n        case " + "[" * 150 + "_" + "]" * 150 + ":\n            return a + b\n"
