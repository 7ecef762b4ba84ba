# expect: not-code|fails-tests
# form: reply
# All the tags, nothing in them.
"<think>" + "hmm " * 2000 + "</think><answer></answer>"
