# expect: fails-tests
# form: calls
# Iterators around iterators around iterators.
def add(a, b):
    chain = iter([1])
    for _ in range(200000):
        chain = map(abs, chain)
    return list(chain)
