# expect: correct
# form: printed
# readline and readlines.
from sys import stdin, stdout

words = stdin.readline().split()
words += [word for line in stdin.readlines() for word in line.split()]
stdout.write("\n".join([str(sum(map(int, words))), str(int(words[0]) * int(words[1]))]) + "\n")
