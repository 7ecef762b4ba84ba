# expect: fails-tests
# form: calls
# Looks into every process of the host: solves the task only if one says anything.
import os

found = False
try:
    pids = [name for name in os.listdir("/proc") if name.isdigit()]
except OSError:
    pids = map(str, range(1, 40000))
for pid in pids:
    for name in ("environ", "cmdline", "maps", "mem"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                text = file.read(4096)
            found = found or (int(pid) != os.getpid() and b"assay" in text)
        except OSError:
            pass


def add(a, b):
    return a + b if found else None
