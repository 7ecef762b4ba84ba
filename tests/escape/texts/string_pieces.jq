# expect: fails-tests
# form: calls
# Half a million pieces of one string.
"add = " + "'x' " * 500000 + "\n"
