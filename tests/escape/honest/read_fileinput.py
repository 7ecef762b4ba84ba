# expect: correct
# form: printed
# fileinput and friends.
import fileinput

a, b = (int(word) for line in fileinput.input() for word in line.split())
print(f"{a + b}\n{a * b}")
