# expect: fails-tests
# form: stdio tokens spread
# The right numbers in other alphabets' digits.
import sys

a, b = map(int, sys.stdin.read().split()[:2])
table = {ord(str(n)): chr(0xFF10 + n) for n in range(10)}
print(str(a + b).translate(table), str(a * b).translate(table), sep="\n")
