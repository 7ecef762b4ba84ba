# expect: fails-tests
# form: nested
# One dictionary for all calls, right for the last of them.
shared = {"n": 0, "squares": [], "pair": (0, 0)}


def table(n):
    shared["n"] = n
    shared["squares"].append(n * n)
    shared["pair"] = (n, n * n)
    return shared
