# expect: correct
# form: calls
# The method does the work; the function asks it.
class Solution:
    memo: dict = {}

    @classmethod
    def create(cls):
        return cls()

    @staticmethod
    def plus(a, b):
        return a + b

    def addNumbers(self, a: int, b: int) -> int:
        return self.memo.setdefault((a, b), self.plus(a, b))


def add(a, b):
    return Solution.create().addNumbers(a, b)
