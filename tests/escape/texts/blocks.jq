# expect: fails-tests
# form: all
# A hundred and fifty blocks in each other.
([range(150)] | map("    " * . + "if True:\n") | add) + "    " * 150 + "pass\n"
