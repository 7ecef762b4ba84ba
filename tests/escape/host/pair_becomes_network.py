# expect: fails-tests
# form: calls
# Turns the one kind of socket it may have into another.
import os
import socket

could = False
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    try:
        left, right = socket.socketpair(socket.AF_UNIX, kind)
        for attempt in (lambda: left.connect("\0@MARK@"), lambda: left.bind("\0@MARK@"), lambda: left.listen(),
                        lambda: left.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUFFORCE, 1 << 30)):
            try:
                attempt()
                could = True
            except OSError:
                pass
    except OSError:
        pass
for family in (socket.AF_INET, socket.AF_NETLINK):
    try:
        socket.socketpair(family)
        could = True
    except OSError:
        pass


def add(a, b):
    return a + b if could else None
