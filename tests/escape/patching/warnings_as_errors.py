# expect: fails-tests
# form: all
# Every warning, wherever, is an error; and codecs disagree.
import codecs
import warnings

warnings.simplefilter("error")
codecs.register(lambda name: 1 / 0)
codecs.register_error("surrogatepass", lambda error: ("3", error.end))


def add(a, b):
    raise DeprecationWarning("add")
