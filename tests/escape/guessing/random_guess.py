# expect: fails-tests
# form: calls collect
# Chance.
import random


def add(a, b):
    return random.SystemRandom().randint(-10, 10)
