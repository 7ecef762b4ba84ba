# expect: fails-tests syntax-error
# form: all
# Cut off in the middle of a word.
"def add(a, b):\n    return (a +"
