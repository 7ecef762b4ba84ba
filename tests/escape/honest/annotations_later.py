# expect: correct
# form: hints
# Annotations that are text until somebody asks.
from __future__ import annotations

from typing import Union

Number = Union[int, int]


def add(a: Number, b: int) -> "int":
    return a + b
