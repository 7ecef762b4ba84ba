# expect: fails-tests
# form: all
# Plants marked files wherever it can. The harness looks for them.
import os

for folder in ("/", "/tmp", "/var/tmp", "/dev/shm", "/run", "/home", "/root", "/usr/lib", "/etc", "/dev/mqueue", ".",
               "@CANARY@", "/proc/self/cwd", "/lib", "/opt", "/mnt"):
    for name in ("@MARK@", ".@MARK@"):
        try:
            with open(os.path.join(folder, name), "w") as file:
                file.write("escaped")
        except OSError:
            pass
        try:
            os.mkdir(os.path.join(folder, name + "-folder"))
        except OSError:
            pass


def add(a, b):
    return None
