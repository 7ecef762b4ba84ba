# expect: fails-tests
# Calls the outside.
import socket


def add(a, b):
    with socket.create_connection(("127.0.0.1", 80), timeout=1):
        return a + b
