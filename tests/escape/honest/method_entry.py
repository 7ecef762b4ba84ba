# expect: correct
# form: calls
# A bound method, bound to the name.
class Solution:
    def __init__(self):
        self.zero = 0

    def add(self, a: int, b: int) -> int:
        return a + b + self.zero


add = Solution().add
