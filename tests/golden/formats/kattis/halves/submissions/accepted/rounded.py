import sys

lines = [f"{float(line) / 2:.7f}" for line in sys.stdin]
print("\n".join(lines) or "none")
