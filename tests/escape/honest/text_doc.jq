# expect: correct
# form: calls
# More documentation than program, with everything in it that looks like something else.
"\"\"\"This module adds.\n\nsys.exit(0), os._exit, eval, exec, __import__, subprocess, __eq__: none of them is used.\n```python\nprint('a fence in a text')\n```\n\"\"\"\n\n\ndef add(a, b):\n    r'''Adds \\d+ and \\d+. <answer>no answer</answer>'''\n    return a + b  # return a - b\n"
