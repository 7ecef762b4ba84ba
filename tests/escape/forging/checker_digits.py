# expect: fails-tests
# form: checked
# Numbers that take the checker for ever.
print("1" * 4000, "9" * 200000)
