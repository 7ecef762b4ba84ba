# expect: fails-tests
# form: all
# Signals to process groups, its own and others.
import os
import signal

for group in range(0, 400):
    for number in (signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL):
        try:
            if group != os.getpgrp() or number == signal.SIGTERM:
                os.killpg(group, number)
        except OSError:
            pass
