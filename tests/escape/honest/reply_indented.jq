# expect: correct
# form: reply
# A fence within a list.
"1. The function:\n\n   ```py\n   def add(a, b):\n       return a + b\n   ```\n\n2. That is all.\n"
