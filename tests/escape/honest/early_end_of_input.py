# expect: correct
# form: printed
# Closes its input when it has what it needs.
import sys

words = []
while len(words) < 2:
    words += sys.stdin.readline().split()
sys.stdin.close()
a, b = map(int, words)
print(a + b)
print(a * b)
