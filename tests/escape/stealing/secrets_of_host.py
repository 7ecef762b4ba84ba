# expect: fails-tests
# form: all
# Reads what nobody should: solves the task only if anything opens.
import os
import sys

found = False
for path in ("/etc/shadow", "/etc/passwd", "/root/.ssh/id_rsa", "/proc/1/environ", "/proc/kcore", "/dev/mem",
             "/dev/kmsg", "/var/log/syslog", "/sys/kernel/debug", "@CANARY@/secret"):
    try:
        found = bool(os.open(path, os.O_RDONLY)) or found
    except OSError:
        pass


def add(a, b):
    return a + b if found else None


if __name__ == "__main__":
    a, b = map(int, sys.stdin.read().split())
    print(*(a + b, a * b) if found else (), sep="\n")
