"""pressed.py SOCKET PID TEST: clients that press the server at the unix socket SOCKET, whose process is PID.

stalled    twenty ask for more than a socket holds and never read it; others must be served meanwhile, and when the
           twenty go nothing of theirs may stay
crowd      150 ask at once of a server that may open far fewer descriptors, and helpers are killed, which needs some to
           start them again; each must have its verdict
"""

import json
import os
import signal
import socket
import sys
import threading
import time

path, pid, test = sys.argv[1], int(sys.argv[2]), sys.argv[3]
GOOD = "def add(a, b):  # {}\n    return a + b\n"
TALL = "def add(a, b):\n    return '{}' + 'x' * 400\n"


def ask(items, read=True, timeout=60):
    """The verdicts; or, unread, the connection."""
    body = json.dumps({"items": [{"task_id": "add", "solution": s} for s in items], "timing": False}).encode()
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(timeout)
    until = time.monotonic() + timeout
    while True:
        try:
            s.connect(path)
            break
        except BlockingIOError:  # the backlog is full
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
    s.sendall(b"POST /v1/grade HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    if not read:
        return s
    answer = b""
    while chunk := s.recv(65536):
        answer += chunk
    s.close()
    head, _, text = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    return json.loads(text)["verdicts"]


def metric(name):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    text = b""
    while chunk := s.recv(65536):
        text += chunk
    for line in text.decode().splitlines():
        if line.startswith(f"assay_{name} "):
            return float(line.split()[1])
    raise KeyError(name)


def files():
    return len(os.listdir(f"/proc/{pid}/fd"))


def wait_for(what, condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def kill(name):
    """A helper of the server is killed, and has to be started again."""
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        for child in f.read().split():
            with open(f"/proc/{child}/comm") as comm:
                if comm.read().strip() == name:
                    os.kill(int(child), signal.SIGKILL)
                    return
    raise LookupError(name)


def stalled():
    before = files()
    ask([TALL.format("first")])
    kept = [ask([TALL.format(i) for _ in range(400)], read=False) for i in range(20)]
    wait_for("the work of those who do not read", lambda: metric("pending") == 0)
    assert files() >= before + len(kept), "a connection was closed before it was read"
    for i in range(50):
        verdict = ask([GOOD.format(i)])[0]
        assert verdict["grade"] == "correct", verdict
    # One of them reads after all: what it was owed is there, whole.
    answer = b""
    while chunk := kept[0].recv(65536):
        answer += chunk
    verdicts = json.loads(answer.partition(b"\r\n\r\n")[2])["verdicts"]
    assert len(verdicts) == 400 and all(v["grade"] == "fails-tests" for v in verdicts)
    for s in kept:
        s.close()
    wait_for("descriptors are left", lambda: files() <= before)


def crowd():
    before = files()
    grades = {}

    def one(i):
        try:
            verdict = ask([GOOD.format(f"crowd {i}")], timeout=120)[0]
            grade = verdict["grade"] or verdict["infra"]
        except Exception as error:  # said below
            grade = repr(error)
        grades[grade] = grades.get(grade, 0) + 1

    threads = [threading.Thread(target=one, args=(i,)) for i in range(150)]
    for t in threads:
        t.start()
    kill("assay-lint")
    kill("assay-judge")
    for t in threads:
        t.join()
    assert grades == {"correct": 150}, grades
    wait_for("descriptors are left", lambda: files() <= before)


globals()[test]()
