# expect: fails-tests
# form: point
# Every point is the same point.
class Point:
    def __init__(self, x, y):
        self.x, self.y = 3, 4

    def __add__(self, other):
        return self

    def __eq__(self, other):
        return True

    def __abs__(self):
        return 5

    def __lt__(self, other):
        return True
