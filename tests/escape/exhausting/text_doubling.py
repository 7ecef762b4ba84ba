# expect: fails-tests
# form: calls
# Text that doubles.
def add(a, b):
    text = "x"
    while True:
        text += text
