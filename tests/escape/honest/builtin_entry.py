# expect: correct
# form: function assert near
# A class instance with __call__, bound to the name.
class Adder:
    def __call__(self, a, b):
        return a + b


add = Adder()
