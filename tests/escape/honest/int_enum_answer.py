# expect: correct
# form: function assert member collect
# Answers with a number that has a name, whenever there is one.
import enum

Small = enum.IntEnum("Small", {f"N{n}": n for n in range(50)})


def add(a, b):
    return Small(a + b) if 0 <= a + b < 50 else a + b
