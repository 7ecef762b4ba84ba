# expect: not-code|fails-tests
# form: reply
# Fifty thousand empty fences.
"```python\n```\n" * 50000
