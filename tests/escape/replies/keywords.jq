# expect: not-code|fails-tests
# form: reply
# Words that a format reward counts.
"First, let me think step by step. Wait, actually, let me verify. I verified it: def add returns a + b. import sys; assert; return; class; lambda. \\boxed{add}"
