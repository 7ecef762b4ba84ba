# expect: fails-tests
# form: all
# Signals that end a process quietly.
import os
import signal

for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE, signal.SIGUSR1):
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
