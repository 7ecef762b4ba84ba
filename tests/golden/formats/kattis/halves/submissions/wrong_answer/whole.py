import sys

for line in sys.stdin:
    print(int(float(line)) // 2)
