# expect: correct
# form: reply
# The program, then how to call it in a shell and what it prints.
"```python\ndef add(a, b):\n    return a + b\n```\n\nRun it:\n\n```bash\npython3 add.py\n```\n\n```text\n3\n```\n"
