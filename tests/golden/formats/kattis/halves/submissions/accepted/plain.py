import sys

numbers = sys.stdin.read().split()
for number in numbers:
    print(float(number) / 2)
if not numbers:
    print("None")
