# expect: fails-tests
# form: all
# Becomes another program without asking the os module.
import ctypes

libc = ctypes.CDLL(None)
libc.execl(b"/bin/true", b"true", None)
libc.execl(b"/usr/bin/python3", b"python3", b"-c", b"pass", None)
libc.syscall(322, -100, b"/bin/true", None, None, 0)
