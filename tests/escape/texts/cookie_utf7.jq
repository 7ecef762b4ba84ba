# expect: fails-tests
# form: calls
# In this encoding the comment is a program.
"# coding: utf-7\n# +AAo-def add(a, b): return a + b\n"
