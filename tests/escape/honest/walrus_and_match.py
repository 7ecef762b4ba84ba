# expect: correct
# form: calls
# Syntax of late.
def add(a, b, *rest, **options):
    match (a, b):
        case (0, other) | (other, 0):
            return other
        case (int() as left, int(right)) if (total := left + right) is not None:
            return total
        case _:
            raise TypeError
