# expect: not-code|fails-tests|wrong-language
# form: reply
# Fences that open within fences, in every language.
"```python\n```javascript\n~~~~\n````py\n" * 20000
