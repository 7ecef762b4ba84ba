# expect: correct
# form: pytest
# With tests of its own beside it.
import unittest


def add(a, b):
    if a is None or b is None:
        raise TypeError("two numbers are needed")
    return a + b


class TestOwn(unittest.TestCase):
    def test_own(self):
        self.assertEqual(add(1, 1), 2)


if __name__ == "__main__":
    unittest.main()
