# expect: correct
# Returns a subclass of int that behaves.
class Number(int):
    def __repr__(self):
        return f"Number({int(self)})"


def add(a, b):
    return Number(a + b)
