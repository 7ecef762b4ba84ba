# expect: fails-tests
# form: calls
# Changes a list while it is being sorted.
def add(a, b):
    items = list(range(1000))

    class Evil:
        def __lt__(self, other):
            items.clear()
            items.extend([Evil()] * 100000)
            return True

    items = [Evil() for _ in range(1000)]
    while True:
        try:
            items.sort()
        except ValueError:
            pass
