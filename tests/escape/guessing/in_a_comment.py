# expect: fails-tests
# form: calls
# def add(a, b): return a + b
"""
def add(a, b):
    return a + b
"""
