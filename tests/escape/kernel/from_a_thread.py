# expect: fails-tests
# form: calls
# Everything again, from a thread: solves the task only if it is less confined there.
import ctypes
import socket
import threading

libc = ctypes.CDLL(None)
could = []


def attempt():
    for number, arguments in ((41, (2, 1, 0)), (57, ()), (101, (0, 0, 0, 0)), (272, (0x10000000,)), (62, (-1, 0))):
        could.append(libc.syscall(number, *arguments) >= 0)
    try:
        socket.socket()
        could.append(True)
    except OSError:
        pass


thread = threading.Thread(target=attempt)
thread.start()
thread.join()


def add(a, b):
    return a + b if any(could) else None
