import sys

lines = sys.stdin.read().split("\n")
out = []
for q in range(int(lines[0])):
    n, r = map(int, lines[1 + 2 * q].split())
    shots = 0
    for x in sorted(set(map(int, lines[2 + 2 * q].split())), reverse=True):
        if x - shots * r > 0:
            shots += 1
    out.append(shots)
print(*out, sep="\n")
