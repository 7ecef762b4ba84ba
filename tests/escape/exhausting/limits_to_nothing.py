# expect: fails-tests
# form: function
# Lowers every other limit of its own to nothing, one after the other, and goes on.
import resource

for name in sorted(dir(resource)):
    if name.startswith("RLIMIT_") and name != "RLIMIT_CPU":
        try:
            resource.setrlimit(getattr(resource, name), (0, 0))
        except (ValueError, OSError):
            pass


def add(a, b):
    held = [bytearray(1 << 20) for _ in range(500)]
    return None
