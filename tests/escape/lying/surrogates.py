# expect: fails-tests
# form: calls
# Text that no encoding wants.
def add(a, b):
    return "\ud83d" * 1000 + "\x00" + "\udc80"
