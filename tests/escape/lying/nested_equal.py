# expect: fails-tests
# form: nested
# A plain dictionary of liars.
class Any:
    def __eq__(self, other):
        return True

    def __iter__(self):
        return iter(())

    def __hash__(self):
        return 0


def table(n):
    return {"n": Any(), "squares": Any(), "pair": Any()}
