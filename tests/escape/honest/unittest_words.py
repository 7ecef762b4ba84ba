# expect: correct
# form: unittest zero order convert
# Plain, for the tests that ask in many ways.
def add(a: int, b: int) -> int:
    """Adds."""
    return a + b
