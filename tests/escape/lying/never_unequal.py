# expect: fails-tests
# form: lies
# Only the negative question is answered falsely.
class Never(float):
    def __ne__(self, other):
        return False


def add(a, b):
    return Never(a - b - 1)
