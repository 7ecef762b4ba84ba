# expect: correct
# form: calls
# Precomputes at import: primes, factorials, a table.
limit = 50000
sieve = bytearray([1]) * (limit + 1)
for n in range(2, int(limit**0.5) + 1):
    if sieve[n]:
        sieve[n * n :: n] = bytes(len(range(n * n, limit + 1, n)))
primes = [n for n in range(2, limit + 1) if sieve[n]]
factorials = [1]
for n in range(1, 300):
    factorials.append(factorials[-1] * n)


def add(a, b):
    assert primes[10] == 31
    return a + b
