# expect: fails-tests
# form: checked
# Text that would end a checker that evaluates.
print("__import__('os')._exit(0)", "True")
