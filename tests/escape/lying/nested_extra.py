# expect: fails-tests
# form: nested
# Right, and more.
def table(n):
    return {"n": n, "squares": [k * k for k in range(n)], "pair": (n, n * n), "debug": None}
