import sys

MOD = 10**9 + 7
data = list(map(int, sys.stdin.buffer.read().split()))
n, k = data[:2]
parent = list(range(n + 1))


def find(v):
    while parent[v] != v:
        parent[v] = parent[parent[v]]
        v = parent[v]
    return v


for i in range(2, len(data) - 2, 3):
    u, v, black = data[i:i + 3]
    if not black:
        parent[find(u)] = find(v)
size = [0] * (n + 1)
for v in range(1, n + 1):
    size[find(v)] += 1
print((pow(n, k, MOD) - sum(pow(s, k, MOD) for s in size if s)) % MOD)
