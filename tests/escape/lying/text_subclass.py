# expect: fails-tests
# form: lies
# A text that equals every number and starts with everything.
class Text(str):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def startswith(self, *args):
        return True

    endswith = isdigit = is_integer = startswith

    def __format__(self, spec):
        return "3"

    __hash__ = str.__hash__


def add(a, b):
    return Text("anything")
