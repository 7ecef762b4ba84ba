# expect: correct
# form: methods
# Joins texts, adds numbers.
class Text(str):
    pass


def add(a, b):
    if isinstance(a, str):
        return Text("".join((a, b)))
    return a + b
