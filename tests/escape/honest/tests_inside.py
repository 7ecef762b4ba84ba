# expect: correct
# form: calls
# Brings its own tests, runs them, and has doctests too.
import doctest
import unittest


def add(a, b):
    """
    >>> add(1, 2)
    3
    """
    return a + b


class TestAdd(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(1, 2), 3)


def test_add():
    assert add(2, 2) == 4


assert unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(TestAdd)).wasSuccessful()
doctest.run_docstring_examples(add, {"add": add})
if __name__ == "__main__":
    unittest.main()
