# expect: fails-tests
# form: lies
# And one that does everything.
from unittest import mock


def add(a, b):
    magic = mock.MagicMock()
    magic.__eq__.return_value = True
    magic.__lt__.return_value = magic.__gt__.return_value = True
    magic.__sub__.return_value = magic.__rsub__.return_value = 0
    magic.__abs__.return_value = 0
    return magic
