# expect: fails-tests
# form: calls
# An encoding that raises, and one that runs code.
"# -*- coding: unicode_escape -*-\n# \\ndef add(a, b): return a + b\n"
