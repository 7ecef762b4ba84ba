# expect: fails-tests
# form: calls
# A chain whose end takes the C stack with it.
class Link:
    def __init__(self, next):
        self.next = next

    def __del__(self):
        self.next = None


def add(a, b):
    chain = None
    for _ in range(300000):
        chain = Link(chain)
    del chain
