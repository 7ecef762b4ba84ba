# expect: fails-tests
# form: calls
# Parameters without end, annotated.
"def add(a, b, " + ([range(20000)] | map("p\(.): 'int' = 0") | join(", ")) + "):\n    return a - b\n"
