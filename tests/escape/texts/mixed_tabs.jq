# expect: fails-tests syntax-error
# form: calls
# Tabs and spaces that disagree.
"def add(a, b):\n        if a:\n\treturn a + b\n        return a + b\n"
