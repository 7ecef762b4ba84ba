# Runs in the guest, after the starter: a call whose arguments or result hold objects of the
# starter's classes. See judge_mirror.c. What the program makes of these functions changes only
# what it is given and what it answers.
def __assay_call__(function, names, nodes, args, kwargs, mark):
    # By their own names: the program may have given these another meaning.
    from builtins import dict, enumerate, getattr, globals, hasattr, id, isinstance, len
    from builtins import list, object, setattr, tuple, type, vars
    space = globals()
    kinds = {name: space[name] for name in names if isinstance(space.get(name), type)}
    objects, numbers, made = [], {}, []

    def known(value):
        number = numbers.get(id(value))
        if number is None:
            number = numbers[id(value)] = len(objects)
            objects.append(value)
        return number

    def out(value):
        if type(value) is list:
            return [out(item) for item in value]
        if type(value) is tuple:
            return tuple([out(item) for item in value])
        if type(value) is dict:
            return {key: out(item) for key, item in value.items()}
        if type(value).__name__ in kinds and type(value) is kinds[type(value).__name__]:
            return (mark, known(value))
        return value

    def into(value):
        if type(value) is list:
            return [into(item) for item in value]
        if type(value) is tuple:
            if len(value) == 2 and value[0] == mark:
                return objects[value[1]]
            return tuple([into(item) for item in value])
        if type(value) is dict:
            return {key: into(item) for key, item in value.items()}
        return value

    for name, _ in nodes:
        known(object.__new__(kinds[name]))
    for number, (_, state) in enumerate(nodes):
        for key, value in state.items():
            setattr(objects[number], key, into(value))
    args, kwargs = into(args), into(kwargs)
    answer = out(function(*args, **kwargs))
    after = out((args, kwargs))
    for item in objects:  # grows while it is walked
        slots = getattr(type(item), "__slots__", ())
        state = dict(vars(item)) if hasattr(item, "__dict__") else {
            key: getattr(item, key) for key in slots if hasattr(item, key)}
        made.append((type(item).__name__, {key: out(value) for key, value in state.items()}))
    return answer, after, made
