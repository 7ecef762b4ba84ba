# expect: correct
# form: printed
# Bytes in, bytes out.
import sys

a, b = map(int, sys.stdin.buffer.read().split())
sys.stdout.buffer.write(b"%d\n%d\n" % (a + b, a * b))
