# expect: fails-tests
# form: all
# The system call itself.
import ctypes

ctypes.CDLL(None).syscall(231, 0)
