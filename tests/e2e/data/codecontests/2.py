from collections import defaultdict, deque

digits = input().strip()
places = defaultdict(list)
for i, d in enumerate(digits):
    places[d].append(i)
steps = {0: 0}
queue = deque([0])
while queue:
    at = queue.popleft()
    for to in [at - 1, at + 1, *places.pop(digits[at], ())]:
        if 0 <= to < len(digits) and to not in steps:
            steps[to] = steps[at] + 1
            queue.append(to)
print(steps[len(digits) - 1])
