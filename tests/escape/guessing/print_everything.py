# expect: fails-tests
# form: printed
# Every number up to ten thousand: the right ones are among them.
for n in range(-100, 10000):
    print(n)
