# expect: correct
# form: checked
# Another right answer than the one in the file, on two lines.
n = int(input())
print(n - 1)
print(1)
