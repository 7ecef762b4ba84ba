# expect: fails-tests
# form: calls
# Compiles programs that no compiler likes.
def add(a, b):
    for text in ("(" * 100000, "-" * 1000000 + "1", "[" * 90 + "]" * 90, "1+" * 300000 + "1", "x=" * 100000 + "1"):
        try:
            compile(text, "bomb", "exec")
        except (SyntaxError, MemoryError, RecursionError):
            pass
    eval("lambda:" * 50000 + "1")
