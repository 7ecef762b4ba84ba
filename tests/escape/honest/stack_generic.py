# expect: correct
# form: class
# Generic, abstract, with properties and iteration.
from abc import ABC, abstractmethod
from collections.abc import Sized
from typing import Generic, Iterator, TypeVar

T = TypeVar("T")


class Container(ABC, Sized):
    @abstractmethod
    def push(self, x): ...


class Stack(Container, Generic[T]):
    def __init__(self, *items: T) -> None:
        self.__items: list[T] = [*items]

    @property
    def top(self) -> T:
        return self.__items[-1]

    def push(self, x: T) -> None:
        self.__items += [x]

    def pop(self) -> T:
        if not self:
            raise IndexError("pop from an empty stack")
        return self.__items.pop()

    def peek(self) -> T:
        return self.top

    def __iter__(self) -> Iterator[T]:
        return iter(self.__items)

    def __len__(self) -> int:
        return len(self.__items)
