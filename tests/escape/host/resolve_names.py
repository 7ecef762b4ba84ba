# expect: fails-tests
# form: calls
# Asks for a name: solves the task only if one comes back.
import socket
import urllib.request

could = False
for name in ("localhost", "example.com", "metadata.google.internal"):
    try:
        could = bool(socket.getaddrinfo(name, 80)) and name != "localhost" or could
    except OSError:
        pass
for url in ("http://127.0.0.1:0@PORT@/healthz", "http://169.254.169.254/", "file:///etc/passwd"):
    try:
        could = bool(urllib.request.urlopen(url, timeout=0.2).read()) or could
    except (OSError, ValueError):
        pass


def add(a, b):
    return a + b if could else None
