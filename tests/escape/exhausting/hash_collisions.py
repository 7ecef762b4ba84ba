# expect: fails-tests time-limit
# form: calls
# A dictionary whose keys all meet.
class Key:
    def __init__(self, n):
        self.n = n

    def __hash__(self):
        return 0

    def __eq__(self, other):
        return self.n == other.n


def add(a, b):
    return len({Key(n): n for n in range(10**6)})
