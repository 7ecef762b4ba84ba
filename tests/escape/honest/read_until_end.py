# expect: correct
# form: printed
# Until EOFError.
words = []
while True:
    try:
        words += input().split()
    except EOFError:
        break
print(sum(map(int, words)))
print(int(words[0]) * int(words[1]))
