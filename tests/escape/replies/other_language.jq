# expect: wrong-language
# form: reply
# Right, elsewhere.
"```javascript\nfunction add(a, b) {\n  return a + b;\n}\nmodule.exports = { add };\n```"
