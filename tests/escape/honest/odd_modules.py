# expect: correct
# form: calls
# Modules that are seldom seen.
import calendar
import cmath
import colorsys
import contextvars
import fnmatch
import graphlib
import html
import ipaddress
import locale
import numbers
import selectors
import shlex
import socket
import stat
import timeit
import types
import uuid
import xml.etree.ElementTree as tree


def add(a, b):
    variable = contextvars.ContextVar("n", default=a)
    assert list(graphlib.TopologicalSorter({1: {2}}).static_order()) == [2, 1]
    assert tree.fromstring("<a><b/></a>").find("b") is not None
    uuid.uuid4()
    locale.getlocale()
    left, right = socket.socketpair()
    with left, right, selectors.DefaultSelector() as selector:
        left.send(b"x")
        selector.register(right, selectors.EVENT_READ)
        assert selector.select(1)
    timeit.timeit("1 + 1", number=10)
    assert isinstance(cmath.sqrt(-1), numbers.Complex)
    return variable.get() + b
