# expect: fails-tests memory-limit|time-limit
# form: calls
# A list without end.
def add(a, b):
    kept = []
    while True:
        kept.append([0] * 1000)
