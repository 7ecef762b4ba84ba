# expect: correct
# form: calls
# Ends with the last character.
"add = lambda a, b: a + b"
