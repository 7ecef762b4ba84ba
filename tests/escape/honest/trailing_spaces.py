# expect: correct
# form: tokens decimal
# A space after each number.
import sys

a, b = map(int, sys.stdin.read().split())
print(a + b, end=" \n")
print(a * b, end=" \n\n")
