# expect: correct
# form: calls
# Parses what it could have used.
import re

PATTERN = re.compile(r"(?P<sign>-?)(?P<digits>\d+)")


def parse(text):
    match = PATTERN.fullmatch(text)
    return int(match["digits"]) * (-1 if match["sign"] else 1)


def add(a, b):
    return parse(str(a)) + parse(str(b))
