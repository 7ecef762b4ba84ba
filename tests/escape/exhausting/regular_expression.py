# expect: fails-tests time-limit
# form: calls
# A pattern that tries everything, in C, without a look at signals.
import re


def add(a, b):
    return re.match(r"(a|a)*(a|a)*(a|a)*$", "a" * 60 + "b")
