import sys

first = float(input())
print(first / 2)
for line in sys.stdin:
    print(float(line) / 2)
