# expect: fails-tests
# form: calls
# Defined only for a program, not for a module; the module's is wrong.
def add(a, b):
    return a - b


if __name__ == "__main__":

    def add(a, b):
        return a + b
