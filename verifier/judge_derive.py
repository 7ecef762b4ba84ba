# What a problem file does not say outright about its cases: which JSON lists are tuples, and
# which inputs its contract allows. Trusted sources only; part of judge_derive.c.
import ast
import textwrap

SEQUENCES = (list, tuple, set, frozenset)


def literal_calls(source, entry):
    """The arguments of the calls of `entry` in `source`, where they are literals."""
    for node in ast.walk(ast.parse(source)):
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if called and node.func.id == entry and not node.keywords:
            try:
                yield [ast.literal_eval(arg) for arg in node.args]
            except ValueError:
                pass


def types_within(model):
    found = {type(model)}
    if isinstance(model, SEQUENCES):
        found.update(*map(types_within, model))
    elif isinstance(model, dict):
        found.update(*map(types_within, model.values()))
    return found


def number(text):
    for kind in (int, float, complex):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def like(value, models, anywhere):
    """`value`, written as JSON, with the types that `models` have in its place; past their
    depth, with the only kind of sequence that they have `anywhere`."""
    here = {type(model) for model in models}
    if isinstance(value, list):
        members = [x for model in models if isinstance(model, SEQUENCES) for x in model]
        items = [like(item, members, anywhere) for item in value]
        kinds = here.intersection(SEQUENCES) or anywhere.intersection(SEQUENCES)
        if list in kinds or not kinds:
            return items
        if not items and dict in here:
            return {}
        return next(kind for kind in (tuple, set, frozenset) if kind in kinds)(items)
    if isinstance(value, dict):
        dicts = [model for model in models if isinstance(model, dict)]
        keys = [key for model in dicts for key in model]
        members = [x for model in dicts for x in model.values()]
        return {like(k, keys, anywhere): like(v, members, anywhere) for k, v in value.items()}
    if isinstance(value, str) and here and here <= {int, float, complex}:
        return number(value)
    return value


def shaped(cases, source, entry):
    """The cases' arguments, each a tuple."""
    calls = list(literal_calls(source, entry))
    result = []
    for args in cases:
        columns = [[call[i] for call in calls if i < len(call)] for i in range(len(args))]
        kinds = [set().union(*map(types_within, column)) for column in columns]
        result.append(tuple(map(like, args, columns, kinds)))
    return result


def with_contract(reference, entry, contract):
    """The reference with the contract's statements at the head of its entry point."""
    tree = ast.parse(reference)
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == entry]
    if not functions:
        raise ValueError("the reference defines no function " + entry)
    body = functions[-1].body
    at = 0 if ast.get_docstring(functions[-1]) is None else 1
    body[at:at] = ast.parse(textwrap.dedent(contract.strip("\n"))).body
    return ast.unparse(tree)
