# expect: fails-tests
# Returns a list that contains itself.
def add(a, b):
    ring = [a, b]
    ring.append(ring)
    return ring
