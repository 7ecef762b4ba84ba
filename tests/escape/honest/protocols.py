# expect: correct
# form: calls
# Types that only readers check.
from __future__ import annotations

import abc
import typing
from collections.abc import Callable, Iterable
from typing import Generic, Literal, Optional, Protocol, TypedDict, TypeVar, Union, overload

T = TypeVar("T", int, float)


class Adds(Protocol[T]):
    def __call__(self, a: T, b: T) -> T: ...


class Options(TypedDict, total=False):
    mode: Literal["plain", "fancy"]


class Base(abc.ABC, Generic[T]):
    @abc.abstractmethod
    def run(self, a: T, b: T) -> T: ...


class Plain(Base[int]):
    def run(self, a: int, b: int) -> int:
        return a + b


@overload
def add(a: int, b: int) -> int: ...
@overload
def add(a: float, b: float) -> float: ...
def add(a: Union[int, float], b: Optional[Union[int, float]] = None, *, options: Options | None = None):
    runner: Adds = Plain().run
    typing.cast(Iterable[Callable], [])
    return runner(a, b)
