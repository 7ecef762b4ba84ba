# expect: correct
# form: calls
# Asks what there is.
import os
import platform
import resource
import sys
import sysconfig
import time


def add(a, b):
    os.cpu_count()
    os.getpid()
    os.environ.get("HOME")
    os.getcwd()
    platform.platform()
    platform.python_version()
    resource.getrusage(resource.RUSAGE_SELF)
    sys.getsizeof(a)
    sysconfig.get_paths()
    time.perf_counter()
    time.localtime()
    return a + b
