# expect: correct
# form: calls
# Templates, wrapping, formatting, translation.
import string
import textwrap


def add(a, b):
    text = string.Template("$a $b").substitute(a=a, b=b)
    text = textwrap.dedent("    " + text)
    left, right = textwrap.fill(text, 200).split()
    return int("{:d}".format(int(left))) + int(f"{int(right):,}".replace(",", ""))
