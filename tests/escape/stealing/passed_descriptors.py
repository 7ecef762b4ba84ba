# expect: fails-tests
# form: calls
# Asks its socket for descriptors, and offers its own.
import array
import socket


def add(a, b):
    judge = socket.socket(fileno=3)
    try:
        judge.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
    except OSError:
        pass
    try:
        return judge.recvmsg(64, socket.CMSG_LEN(64))[1]
    except OSError:
        return None
