# expect: correct
# form: calls
# Global state across calls, closures, nested classes, decorators.
import functools

calls = 0
history = []


def counted(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        global calls
        calls += 1
        history.append(args)
        return function(*args, **kwargs)

    return wrapper


@counted
def add(a, b):
    total = a

    class Adder:
        class Inner:
            value = b

        def run(self):
            nonlocal total
            total += self.Inner.value

    Adder().run()
    assert calls == len(history)
    return total
