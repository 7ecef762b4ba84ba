# expect: fails-tests
# form: nested
# Right, but for the kinds: what is left after a way through JSON.
import json


def table(n):
    return json.loads(json.dumps({"n": n, "squares": [k * k for k in range(n)], "pair": (n, n * n)}))
