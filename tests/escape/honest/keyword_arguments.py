# expect: correct
# form: calls
# Parameters of every kind.
def add(a=0, b=0, *args, key=None, **kwargs):
    return a + b
