# expect: correct
# form: class
# A stack that is a list.
class Stack(list):
    def push(self, x):
        self.append(x)

    def peek(self):
        return self[-1]
