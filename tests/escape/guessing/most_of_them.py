# expect: fails-tests
# form: function assert
# Right for small numbers only.
def add(a, b):
    return a + b if -100 < a < 100 else a
