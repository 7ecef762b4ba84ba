n, budget = map(int, input().split())
counts = {}
for a in map(int, input().split()):
    counts[a] = counts.get(a, 0) + 1
values = [counts[a] for a in sorted(counts)]
distinct = min(2 ** min(8 * budget // n, 20), len(values))
kept = best = sum(values[:distinct])
for i in range(distinct, len(values)):
    kept += values[i] - values[i - distinct]
    best = max(best, kept)
print(n - best)
