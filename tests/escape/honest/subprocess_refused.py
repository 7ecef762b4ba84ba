# expect: correct
# form: calls
# Would use a process, and does without when there is none to be had.
import subprocess


def add(a, b):
    try:
        out = subprocess.run(["expr", str(a), "+", str(b)], capture_output=True, timeout=1)
        return int(out.stdout)
    except (OSError, ValueError):
        return a + b
