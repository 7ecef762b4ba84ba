# expect: fails-tests
# form: calls
# Line ends for an editor, none for Python.
"# \u2028def add(a, b): return a + b\n# \u0085def add(a, b): return a + b\n"
