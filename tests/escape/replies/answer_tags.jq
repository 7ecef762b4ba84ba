# expect: not-code|fails-tests
# form: reply
# Tags in tags in tags.
"<answer>" * 20000 + "```python\ndef add(a, b): return a - b\n```" + "</answer>" * 20000
