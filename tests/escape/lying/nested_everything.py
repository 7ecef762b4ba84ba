# expect: fails-tests
# form: nested
# Whatever is taken out of it is itself.
class Every:
    def __getitem__(self, key):
        return self

    def __getattr__(self, name):
        return lambda *args: self

    def __iter__(self):
        return iter(["n", "pair", "squares"])

    def __len__(self):
        return 3

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


def table(n):
    return Every()
