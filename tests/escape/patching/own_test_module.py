# expect: fails-tests
# form: pytest calls
# Brings a conftest, hooks, marks and tests of its own; and says that pytest is elsewhere.
import sys
import types

pytest = types.ModuleType("pytest")
pytest.approx = lambda *args, **kwargs: None
sys.modules["pytest"] = sys.modules["_pytest"] = sys.modules["conftest"] = pytest
collect_ignore = ["*"]
__test__ = False
pytestmark = [None]


def pytest_collection_modifyitems(items):
    items.clear()


def test_sums(a=1, b=2, wanted=3):
    pass


class TestAdd:
    def runTest(self):
        pass


def add(a, b):
    return None
