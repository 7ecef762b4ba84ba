# expect: not-code|fails-tests
# form: reply
# The program is in the thoughts; the answer says that it was.
"<think>\n```python\ndef add(a, b):\n    return a + b\n```\n</think>\nSee above."
