# expect: fails-tests
# form: calls
# Stops reading while the judge has much to say.
import os
import socket


def add(a, b):
    os.dup2(os.open("/dev/null", os.O_RDWR), 3)
    return a + b
