# expect: fails-tests
# Fills the disk.
def add(a, b):
    for number in range(100000):
        with open(f"/tmp/{number}", "wb") as file:
            file.write(bytes(1 << 24))
