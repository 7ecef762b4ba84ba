# expect: correct
# A demonstration that must not run, and one that may.
def add(a, b):
    return a + b


print(add(1, 2))

if __name__ == "__main__":
    raise SystemExit(1)
