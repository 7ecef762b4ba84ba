# expect: correct
# form: class
# Linked, with slots, a dataclass and a property.
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional


@dataclass(frozen=True)
class Node:
    value: Any
    below: Optional[Node] = None


class Stack:
    __slots__ = ("top", "size")

    def __init__(self):
        self.top, self.size = None, 0

    def push(self, x):
        self.top, self.size = Node(x, self.top), self.size + 1

    def pop(self):
        value = self.peek()
        self.top, self.size = self.top.below, self.size - 1
        return value

    def peek(self):
        if self.top is None:
            raise IndexError("empty")
        return self.top.value

    def __len__(self):
        return self.size
