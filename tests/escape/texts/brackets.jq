# expect: fails-tests
# form: all
# Brackets that nobody closes.
"add = " + "[{(" * 20000
