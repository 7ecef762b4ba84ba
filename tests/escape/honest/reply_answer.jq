# expect: correct
# form: reply
# In tags, without a fence.
"<think>Easy.</think>\n<answer>\ndef add(a, b):\n    return a + b\n</answer>"
