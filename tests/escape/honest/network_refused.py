# expect: correct
# form: calls
# Would use the network, and does without.
import socket
import urllib.request


def add(a, b):
    try:
        urllib.request.urlopen("http://localhost:1/sum", timeout=0.1)
    except OSError:
        pass
    try:
        socket.create_connection(("localhost", 1), timeout=0.1)
    except OSError:
        pass
    return a + b
