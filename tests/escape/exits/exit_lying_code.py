# expect: fails-tests
# form: all
# An exit whose status is decided by an object.
class Zero(int):
    def __int__(self):
        return 0

    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


class Leave(SystemExit):
    @property
    def code(self):
        return Zero(3)


raise Leave(Zero(3))
