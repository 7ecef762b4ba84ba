# expect: fails-tests
# form: calls
# Poll sets that watch each other.
import os
import select

kept = []


def add(a, b):
    while True:
        poll = select.epoll()
        kept.append(poll)
        for other in kept[:-1]:
            try:
                poll.register(other.fileno())
            except OSError:
                os.close(poll.fileno())
                break
