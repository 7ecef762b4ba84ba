# expect: fails-tests
# Returns a list within a list within a list.
def add(a, b):
    nest = []
    for _ in range(100000):
        nest = [nest]
    return nest
