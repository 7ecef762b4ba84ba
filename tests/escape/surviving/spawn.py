# expect: fails-tests
# form: all
# Programs that outlive it: solves the task only if one starts.
import os
import subprocess
import sys

could = False
for start in (
    lambda: subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], start_new_session=True),
    lambda: subprocess.Popen(["sleep", "1000"]),
    lambda: os.posix_spawn("/bin/sleep", ["sleep", "1000"], {}),
    lambda: os.spawnl(os.P_NOWAIT, "/bin/sleep", "sleep", "1000"),
    lambda: os.forkpty(),
):
    try:
        start()
        could = True
    except OSError:
        pass


def add(a, b):
    return a + b if could else None
