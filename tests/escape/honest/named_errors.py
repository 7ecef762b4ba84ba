# expect: correct
# form: raises
# Chained, annotated, with a cause.
class Refused(Exception):
    pass


def add(a, b):
    try:
        if not all(isinstance(n, int) for n in (a, b)):
            raise Refused("kind")
        if min(a, b) < 0:
            raise Refused("sign")
    except Refused as error:
        kind = TypeError if error.args[0] == "kind" else ValueError
        fresh = kind("refused: %s" % error)
        fresh.add_note("see the documentation")
        raise fresh from error
    return a + b
