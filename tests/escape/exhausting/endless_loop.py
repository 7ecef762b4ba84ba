# expect: fails-tests time-limit
# Never returns.
def add(a, b):
    while True:
        pass
