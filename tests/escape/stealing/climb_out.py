# expect: fails-tests
# form: calls
# Past its root by descriptors, links and dots: solves the task only if it gets there.
import os

found = False
for path in ("/proc/self/root/etc/passwd", "/proc/self/cwd/../../../etc/passwd", "../../../../../../etc/passwd",
             "/proc/1/root/etc/passwd", "/usr/lib/../../etc/passwd", "/dev/fd/../../../etc/passwd",
             "/usr/lib/python3/../../../etc/shadow"):
    try:
        found = bool(os.open(path, os.O_RDONLY)) or found
    except OSError:
        pass
for attempt in (lambda: os.symlink("/etc/passwd", "/tmp/link") or os.open("/tmp/link", 0),
                lambda: os.link("/etc/passwd", "/tmp/link2"),
                lambda: os.chroot("/tmp"), lambda: os.rename("/usr/lib", "/tmp/lib")):
    try:
        attempt()
        found = True
    except OSError:
        pass


def add(a, b):
    return a + b if found else None
