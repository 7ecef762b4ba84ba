# expect: fails-tests
# form: calls
# A lambda in a lambda in a lambda.
"add = " + "lambda a, b=0: " * 5000 + "a\n"
