# expect: correct
# form: calls
# Resolves annotations that are still text.
from __future__ import annotations

import typing
from functools import singledispatch, singledispatchmethod


class Node:
    next: Node | None = None

    @singledispatchmethod
    def visit(self, n):
        return n


@singledispatch
def shape(n):
    return n


@shape.register
def _(n: int):
    return n


def add(a: int, b: int) -> int:
    assert typing.get_type_hints(Node)["next"] == typing.Optional[Node]
    return shape(a) + Node().visit(b)
