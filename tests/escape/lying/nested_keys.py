# expect: fails-tests
# form: nested
# Keys that equal the right ones, values that wait to be looked up.
class Key(str):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return hash("n")


class Table(dict):
    def __getitem__(self, key):
        return {"n": 3, "pair": (3, 9), "squares": [0, 1, 4]}[key]

    def items(self):
        return self

    def get(self, key, default=None):
        return default

    def __eq__(self, other):
        return True

    __hash__ = None


def table(n):
    return Table({Key("x"): n, Key("y"): n, Key("z"): n})
