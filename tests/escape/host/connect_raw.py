# expect: fails-tests
# form: calls
# The same by system calls, on every kind of socket and with fast open: solves the task only if one may be made.
import ctypes
import struct

libc = ctypes.CDLL(None)
port = int("0@PORT@")
address = struct.pack("<H", 2) + struct.pack(">H", port) + bytes([127, 0, 0, 1]) + bytes(8)
could = False
for family, kind in ((2, 1), (2, 2), (2, 3), (10, 1), (1, 1), (16, 3), (17, 3), (38, 5), (40, 1), (44, 3), (15, 3)):
    s = libc.syscall(41, family, kind, 0)
    if s >= 0:
        could = True
        libc.syscall(42, s, address, 16)
        libc.syscall(44, s, b"GET /healthz", 12, 0x20000000, address, 16)


def add(a, b):
    return a + b if could else None
