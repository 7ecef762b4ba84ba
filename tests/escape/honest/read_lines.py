# expect: correct
# form: printed
# Iterates over the stream.
import sys

numbers = []
for line in sys.stdin:
    numbers.extend(int(word) for word in line.split())
print(*[sum(numbers), numbers[0] * numbers[1]], sep="\n")
