# expect: fails-tests
# form: all
# Modules that run at some start or end: site, sitecustomize, atexit, typing.
import atexit
import os
import site
import sys
import typing

atexit._run_exitfuncs = lambda: os._exit(0)
site.main = typing.get_type_hints = lambda *args: os._exit(0)
for name in ("sitecustomize", "usercustomize"):
    sys.modules[name] = sys
sys.flags = None
sys.argv[:] = ["--passed"]
raise SystemExit
