# expect: not-code
# form: reply
# Nothing.
"\n\n\n"
