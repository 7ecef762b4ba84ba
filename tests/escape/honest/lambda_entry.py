# expect: correct
# form: calls near
# No def at all.
add = lambda a, b: a + b
