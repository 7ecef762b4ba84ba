# expect: correct
# Generators all the way.
def add(a, b):
    def parts():
        yield a
        yield from (n for n in [b])

    return sum(parts())
