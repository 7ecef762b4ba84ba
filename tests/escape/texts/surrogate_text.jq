# expect: fails-tests|not-code
# form: calls
# Replacement characters where text was.
"\ufffd" * 10000 + "\ndef add(a, b): return a + b\n"
