# expect: fails-tests
# form: lies
# Answers with itself, for ever.
def add(*args, **kwargs):
    return add
