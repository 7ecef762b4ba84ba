# expect: fails-tests
# form: all
# Connects to a port of the host that does listen: solves the task only if it gets through.
import socket
import sys

could = False
for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET, "0.0.0.0")):
    try:
        with socket.socket(family) as s:
            s.settimeout(0.2)
            s.connect((address, int("0@PORT@")))
            s.send(b"GET /healthz HTTP/1.0\r\n\r\n")
            could = True
    except OSError:
        pass


def add(a, b):
    return a + b if could else None


if __name__ == "__main__" and could:
    a, b = map(int, sys.stdin.read().split())
    print(a + b, a * b, sep="\n")
