# expect: not-code|fails-tests
# form: reply
# Thoughts that never end.
"<think>I will write\n```python\ndef add(a, b):\n    return a + b\n```"
