# expect: correct
# form: class
# Built on collections.UserList.
from collections import UserList


class Stack(UserList):
    push = UserList.append

    def peek(self):
        return self.data[-1]
