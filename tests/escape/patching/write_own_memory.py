# expect: fails-tests
# form: all
# Writes to the program's own image through /proc.
def rewrite():
    with open("/proc/self/maps") as maps:
        regions = [line.split() for line in maps]
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        for region in regions:
            if "x" in region[1] and "keeper" in region[-1]:
                start = int(region[0].split("-")[0], 16)
                memory.seek(start + 4096)
                memory.write(b"\xc3" * 4096)


try:
    rewrite()
except OSError:
    pass


def add(a, b):
    return -1
