# expect: fails-tests
# form: class
# Knows how many, not what.
class Stack(list):
    def push(self, x):
        self.append(0)

    def peek(self):
        return self[-1]
