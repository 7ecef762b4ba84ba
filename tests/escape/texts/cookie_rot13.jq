# expect: fails-tests
# form: calls
# Another encoding by its own account: only rotated is the function right.
"# coding: rot13\nqrs nqq(n, o): erghea n + o\n"
