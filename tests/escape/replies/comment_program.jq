# expect: not-code|fails-tests
# form: reply
# A program of comments.
"```python\n# def add(a, b):\n#     return a + b\n```"
