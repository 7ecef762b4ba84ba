# expect: correct
# form: calls
# Compiles and runs what it wrote itself.
import ast
import types

namespace = {}
exec(compile(ast.parse("def inner(a, b):\n    return a + b"), "<own>", "exec"), namespace)
module = types.ModuleType("own")
exec("factor = 1", module.__dict__)


def add(a, b):
    return eval("inner(a, b) * factor", {"inner": namespace["inner"], "factor": module.factor, "a": a, "b": b})
