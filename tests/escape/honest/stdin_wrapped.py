# expect: correct
# form: printed
# Streams wrapped by hand, standard input replaced.
import io
import sys

sys.stdin = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8")
text = sys.stdin.read()
sys.stdin = io.StringIO(text)
words = []
for line in iter(sys.stdin.readline, ""):
    words += line.split()
out = io.TextIOWrapper(open(sys.stdout.fileno(), "wb", 0, closefd=False), write_through=True)
out.write(f"{int(words[0]) + int(words[1])}\n")
out.write(f"{int(words[0]) * int(words[1])}\n")
