"""kill_guests.py PID COUNT: kills the guests below process PID, as many as COUNT or all there are until it ends."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
from kill_storm import Killer  # noqa: E402

root, left = int(sys.argv[1]), int(sys.argv[2])
killer = Killer(root, 0, 0)
until = time.monotonic() + 60
while left and os.path.exists(f"/proc/{root}") and time.monotonic() < until:
    for pid in killer.living()["guest"]:
        try:
            os.kill(pid, signal.SIGKILL)
            left -= 1
        except ProcessLookupError:
            pass
        if not left:
            break
    time.sleep(0.01)
sys.exit(time.monotonic() >= until)
