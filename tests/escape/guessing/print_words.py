# expect: fails-tests
# form: printed
# The answer, in a sentence.
import sys

a, b = map(int, sys.stdin.read().split()[:2])
print(f"The sum is {a + b} and the product is {a * b}.")
