# expect: correct
# form: printed
# exit() at the end, as many write it.
a, b = map(int, open(0).read().split())
print(a + b)
print(a * b)
exit(0)
