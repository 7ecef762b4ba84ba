# expect: fails-tests
# form: callback
# Keeps the callback of one test for the next.
kept = []


def apply(f, xs):
    kept.append(f)
    return [kept[0](x) for x in xs][::-1] if len(kept) == 1 else [kept[0](x) for x in xs]
