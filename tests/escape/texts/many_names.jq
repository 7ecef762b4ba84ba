# expect: fails-tests
# form: calls
# A hundred thousand functions, none of them the right one.
[range(60000)] | map("def f\(.)(a, b): return a + b\n") | add
