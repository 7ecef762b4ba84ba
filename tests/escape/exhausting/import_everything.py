# expect: fails-tests
# form: calls
# Imports the whole library, again and again.
import importlib
import sys


def add(a, b):
    while True:
        for name in sorted(sys.stdlib_module_names):
            if name not in ("antigravity", "this") and not name.startswith("idle"):
                sys.modules.pop(name, None)
                try:
                    importlib.import_module(name)
                except BaseException:
                    pass
