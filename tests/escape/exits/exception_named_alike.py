# expect: fails-tests
# form: raises
# Errors that only share their names with the real ones.
def add(a, b):
    name = "ValueError" if isinstance(b, int) and a == -1 else "TypeError"
    if a in (1, 3):
        return a + b
    raise type(name, (Exception,), {})("counterfeit")
