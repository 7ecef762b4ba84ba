# expect: fails-tests time-limit
# form: calls stdio
# Has the kernel kill it, by a limit of its own, so that it looks like somebody else's doing.
import resource

resource.setrlimit(resource.RLIMIT_CPU, (0, 0))
while True:
    pass
