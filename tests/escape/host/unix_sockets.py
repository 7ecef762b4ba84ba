# expect: fails-tests
# form: calls
# Sockets in the file system and in the abstract name space: solves the task only if one answers.
import os
import socket

could = False
for name in ("@CANARY@/socket", "/run/docker.sock", "/run/systemd/private", "/run/dbus/system_bus_socket", "\0@MARK@",
             "/tmp/.X11-unix/X0", "/var/run/nscd/socket"):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            with socket.socket(socket.AF_UNIX, kind) as s:
                s.connect(name)
                could = True
        except OSError:
            pass
try:
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.sendto(b"x", "@CANARY@/socket")
    could = True
except OSError:
    pass


def add(a, b):
    return a + b if could else None
