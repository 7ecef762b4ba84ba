# expect: fails-tests
# form: calls
# Thirty thousand branches.
"def add(a, b):\n    if a == -1: return 0\n" + ([range(30000)] | map("    elif a == \(1000 + .): return \(.)\n") | add)
