# expect: fails-tests
# Interrupts whoever is listening.
def add(a, b):
    raise KeyboardInterrupt
