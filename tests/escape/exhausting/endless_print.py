# expect: fails-tests time-limit|output-limit
# Floods its output.
def add(a, b):
    while True:
        print("x" * 100000)
