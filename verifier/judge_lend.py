# Lending and making; see judge_lend.c. The two __assay_..._ names are those of value.h.
import sys
PLAIN = (int, float, complex, str, bytes, bool, type(None))


def plain(value):
    return type(value) in PLAIN or type(value) is tuple and all(map(plain, value))


def describe(function):
    code, names = function.__code__, function.__code__.co_varnames
    count, last = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    named, defaults = function.__kwdefaults__ or {}, list(function.__defaults__ or ())
    first = count - len(defaults)
    if not all(map(plain, [*defaults, *named.values()])) or code.co_flags & 0x200:
        return None
    parameters, call = [], []
    for i, name in enumerate(names[:count]):
        parameters.append(name if i < first else f'{name}=_default_[{i - first}]')
        call.append(name)
        if i + 1 == code.co_posonlyargcount:
            parameters.append('/')
    at = last
    if code.co_flags & 4:
        parameters.append('*' + names[at])
        call.append('*' + names[at])
        at += 1
    elif last > count:
        parameters.append('*')
    for name in names[count:last]:
        if name in named:
            parameters.append(f'{name}=_default_[{len(defaults)}]')
            defaults.append(named[name])
        else:
            parameters.append(name)
        call.append(f'{name}={name}')
    if code.co_flags & 8:
        parameters.append('**' + names[at])
        call.append('**' + names[at])
    doc = function.__doc__ if type(function.__doc__) is str else None
    head = 'async def' if code.co_flags & 0x80 else 'def'
    return (function.__name__, doc, head, ', '.join(parameters), ', '.join(call),
            tuple(defaults))


class Raised:
    def __init__(self, *args, **kwargs):
        made = type(self).__assay_other_self__(*args, **kwargs)
        if isinstance(made, Raised):
            self.__dict__.update(made.__dict__)
            self.args = made.args
    def __getattr__(self, name):
        theirs = self.__dict__.get('__assay_other_self__')
        if theirs is None:
            raise AttributeError(name)
        return getattr(theirs, name)
    def __str__(self):
        text = self.__dict__.get('__assay_message__')
        return super().__str__() if text is None else text


def raised(theirs, module, name, bases):
    if not any(issubclass(base, Raised) for base in bases):
        bases = (Raised, *bases)
    return type(name, bases, {'__assay_other_self__': theirs, '__module__': 'solution'})


# No test framework's: a program may not skip a test by raising what would.
def library(module, name):
    top = module.split('.')[0] if type(module) is str else ''
    known = top in sys.stdlib_module_names or hasattr(sys.modules.get(top), '__file__')
    if not known or top in ('unittest', 'builtins', 'pytest', '_pytest'):
        return None
    return getattr(sys.modules.get(module), name, None)


def run(coroutine):
    from asyncio import events
    outer = events._get_running_loop()
    events._set_running_loop(None)
    inner = events.new_event_loop()
    try:
        return inner.run_until_complete(coroutine)
    finally:
        inner.close()
        events._set_running_loop(outer)
