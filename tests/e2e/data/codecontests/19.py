import sys

read = iter(map(int, sys.stdin.buffer.read().split())).__next__
for _ in range(read()):
    a, b, q = read(), read(), read()
    before = [0]
    for x in range(a * b):
        before.append(before[-1] + (x % a % b != x % b % a))

    def upto(x):
        return x // (a * b) * before[-1] + before[x % (a * b)]

    print(*[upto(r + 1) - upto(l) for l, r in ((read(), read()) for _ in range(q))])
