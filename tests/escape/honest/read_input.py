# expect: correct
# form: printed
# input(), with the numbers on one line or on two.
words = input().split()
if len(words) < 2:
    words += input().split()
a, b = map(int, words)
print(a + b)
print(a * b)
