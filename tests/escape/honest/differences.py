# expect: correct
# form: calls
# difflib, unicodedata, pprint, copy, weakref.
import copy
import difflib
import pprint
import unicodedata
import weakref


class Box:
    def __init__(self, value):
        self.value = value


def add(a, b):
    box = Box([a, b])
    twin = copy.deepcopy(box)
    reference = weakref.ref(box)
    difflib.get_close_matches("appel", ["ape", "apple"])
    pprint.pformat({"x": list(range(100))})
    unicodedata.normalize("NFC", "e\u0301")
    assert reference() is box
    return sum(twin.value)
