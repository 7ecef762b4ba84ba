# expect: fails-tests
# form: checked
# Nothing at all for the checker.
