# expect: fails-tests
# form: calls collect
# Fifty lists; written out, 2^50.
def add(a, b):
    nest = []
    for _ in range(50):
        nest = [nest, nest]
    return nest
