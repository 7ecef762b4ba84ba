# expect: correct
# form: near order
# A subclass of float that only prints otherwise.
class Metres(float):
    def __repr__(self):
        return f"{float(self)} m"


def add(a, b):
    return Metres(a + b)
