# expect: fails-tests
# form: callback
# Reads the answer from the callback's closure, code and globals.
def apply(f, xs):
    for name in ("__closure__", "__code__", "__globals__", "__self__", "__wrapped__", "gi_frame", "f_back"):
        thing = getattr(f, name, None)
        if thing:
            try:
                return [cell.cell_contents for cell in thing]
            except (TypeError, AttributeError):
                return list(thing)
    return None
