# expect: fails-tests
# form: callback
# Never stops calling back.
def apply(f, xs):
    while True:
        f(1)
