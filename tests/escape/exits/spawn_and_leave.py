# expect: fails-tests
# form: all
# Starts a program in its place and goes.
import os
import subprocess

for start in (
    lambda: os.posix_spawn("/bin/true", ["true"], {}),
    lambda: subprocess.run(["true"]),
    lambda: os.system("true"),
    lambda: os.popen("true").read(),
):
    try:
        start()
    except OSError:
        pass
os._exit(0)
