# expect: fails-tests
# form: decimal
# No comparison with these is true, so none fails either.
print("nan")
print("nan")
