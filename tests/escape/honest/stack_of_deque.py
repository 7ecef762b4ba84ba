# expect: correct
# form: class
# Inherits, overrides, delegates.
from collections import deque


class Base:
    def __init__(self):
        self._items = deque()

    def __len__(self):
        return len(self._items)

    def __getattr__(self, name):
        return getattr(self._items, name)


class Stack(Base):
    def push(self, x):
        self._items.append(x)

    def pop(self):
        return self._items.pop()

    def peek(self):
        return self._items[-1]
