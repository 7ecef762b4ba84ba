import os
import sys

with open(sys.argv[1]) as given:
    n = int(given.read())
open(sys.argv[2]).close()
words = sys.stdin.read().split()
with open(os.path.join(sys.argv[3], "judgemessage.txt"), "w") as message:
    message.write(f"{len(words)} words, flags {sys.argv[4:]}")
if not all(word.isascii() and word.isdigit() and len(word) < 20 for word in words):
    sys.exit(43)
sys.exit(42 if sorted(map(int, words)) == list(range(1, n + 1)) else 43)
