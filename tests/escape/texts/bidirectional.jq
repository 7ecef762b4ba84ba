# expect: fails-tests
# form: calls
# What a person reads is not what is compiled.
"def add(a, b):\n    '''\u202e''' ; return a - b ; '''\u2066 b + a nruter'''\n"
