# expect: fails-tests|not-code
# form: calls
# White space of every kind, a megabyte of it.
" \t\u000c" * 300000 + "\n"
