# expect: fails-tests time-limit
# Answers wrongly and keeps computing.
import threading


def burn():
    while True:
        pass


for _ in range(4):
    threading.Thread(target=burn, daemon=True).start()


def add(a, b):
    while True:
        pass
