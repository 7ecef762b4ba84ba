# expect: correct
# form: calls
# Chance that repeats, and chance that does not matter.
import random
import secrets

random.seed(7)


def add(a, b):
    order = [a, b]
    random.shuffle(order)
    secrets.token_hex(4)
    random.SystemRandom().random()
    return sum(order)
