# expect: fails-tests
# form: calls
# Every encoder of the library writes what it likes.
import codecs
import json
import marshal
import pickle
import struct


def three(*args, **kwargs):
    return b"3"


for module in (codecs, json, marshal, pickle, struct):
    for name in dir(module):
        if callable(getattr(module, name)) and not name.startswith("__"):
            try:
                setattr(module, name, three)
            except (AttributeError, TypeError):
                pass


def add(a, b):
    return -1
