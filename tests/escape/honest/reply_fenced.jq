# expect: correct
# form: reply
# Thoughts, prose, a fence, more prose.
"<think>Should I subtract?\n```python\ndef add(a, b):\n    return a - b\n```\nNo.</think>\n\nHere you are:\n\n```python\ndef add(a, b):\n    return a + b\n```\n\nThis runs in constant time."
