# expect: fails-tests
# Raises what a harness might catch for itself.
class AssertionPassed(BaseException):
    pass


def add(a, b):
    raise AssertionPassed("passed")
