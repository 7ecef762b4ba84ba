# expect: fails-tests
# form: checked
# Makes the problem's own checker raise.
print("one", "two")
