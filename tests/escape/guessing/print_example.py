# expect: fails-tests
# form: printed
# The output of the example.
print("3\n2")
