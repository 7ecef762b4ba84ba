# expect: fails-tests
# form: decorated
# Makes of a test one with parameters that nobody knows, as if the tests could judge no program.
def repeat(n):
    def decorate(function):
        def test_is_called(no_such_fixture, *, tmpdir_factory):
            pass

        return test_is_called

    return decorate
