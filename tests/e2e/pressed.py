"""pressed.py SOCKET PID TEST: clients that press the server at the unix socket SOCKET, whose process is PID.

stalled    twenty ask for more than a socket holds and never read it; others must be served meanwhile, and when the
           twenty go nothing of theirs may stay
large      bodies of many MiB: others are served while they are read, verdicts are the usual ones, what is too much is refused,
           and clients that leave in the middle leave nothing
unread     so many requests are logged to a pipe that nobody reads that lines must be dropped
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


def connections():
    """How many clients the server has; slots come and go with what the machine is busy with, and are not counted."""
    with open("/proc/net/unix") as f:
        rows = [line.split() for line in f][1:]
    clients = {f"socket:[{row[6]}]" for row in rows if row[7:] == [path] and row[5] == "03"}
    n = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            n += os.readlink(f"/proc/{pid}/fd/{fd}") in clients
        except FileNotFoundError:  # closed meanwhile
            pass
    return n


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
    ask([TALL.format("first")])
    kept = [ask([TALL.format(i) for _ in range(400)], read=False) for i in range(20)]
    wait_for("the work of those who do not read", lambda: metric("pending") == 0)
    assert connections() >= len(kept), "a connection was closed before it was read"
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
    wait_for("connections are left", lambda: connections() == 0)


def crowd():
    grades = []

    def one(i):
        try:
            verdict = ask([GOOD.format(f"crowd {i}")], timeout=120)[0]
            grade = verdict["grade"] or verdict["infra"]
        except Exception as error:  # said below
            grade = repr(error)
        grades.append(grade)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(150)]
    for t in threads:
        t.start()
    kill("assay-lint")
    kill("assay-judge")
    for t in threads:
        t.join()
    assert grades == 150 * ["correct"], [grade for grade in grades if grade != "correct"]
    wait_for("connections are left", lambda: connections() == 0)


def post(body, kind="application/json", read=True):
    """The status and the text of the answer; or, unread, the connection."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(120)
    s.connect(path)
    head = "POST /v1/grade HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n"
    s.sendall(head.format(kind, len(body)).encode() + body)
    if not read:
        return s
    answer = b""
    while chunk := s.recv(1 << 20):
        answer += chunk
    s.close()
    head, _, text = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), text


def unchunked(text):
    """The lines of a chunked answer."""
    whole = b""
    while text:
        size, _, text = text.partition(b"\r\n")
        whole += text[:int(size, 16)]
        text = text[int(size, 16) + 2:]
    return [json.loads(line) for line in whole.splitlines()]


def healthy():
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert s.recv(65536).startswith(b"HTTP/1.1 200")
    s.close()


def large():
    code = "def add(a, b):\n    return a + b\n"
    tall = code + "# nothing\n" * 100000
    items = [{"task_id": "add", "solution": s, "id": i, "note": list(range(50000))}
             for i, s in enumerate([code, tall, code + "    return 3\n", tall + "1 +\n"])]
    wanted = ["correct", "correct", "correct", "fails-tests"]

    status, text = post(json.dumps({"items": items, "timing": False}).encode())
    assert status == 200, (status, text[:300])
    verdicts = json.loads(text)["verdicts"]
    assert [v["grade"] for v in verdicts] == wanted, [v["grade"] for v in verdicts]
    assert all(v["id"] == i and v["note"] == list(range(50000)) for i, v in enumerate(verdicts))
    lines = "\n".join(json.dumps(item) for item in items).encode()
    status, text = post(lines, "application/x-ndjson")
    assert [v["grade"] for v in json.loads(text)["verdicts"]] == wanted, text[:300]
    status, text = post(json.dumps({"items": items, "stream": True}).encode())
    rows = {row["item"]: row["verdict"] for row in unchunked(text)}
    assert [rows[i]["grade"] for i in range(4)] == wanted and rows[2]["note"] == list(range(50000))

    # What is wrong is said, whatever its size.
    filler = b" " * (1 << 20)
    status, text = post(b'{"items":[' + filler + b'}')
    assert status == 400 and b"not a JSON object" in text, (status, text[:300])
    status, text = post(lines + filler + b"\n{", "application/x-ndjson")
    assert status == 400 and b"line 5" in text, (status, text[:300])
    status, text = post(b'{"items":[' + b"{}," * 2000000 + b"1]}")
    assert status == 413 and b"values need more" in text, (status, text[:300])

    # While a body is read that is wrong at its end, others are served: one that is asked for later is answered first.
    # In one of some tries: whoever asks may have been kept from running.
    for _ in range(10):
        large = post(b'{"items":[{"task_id":"add","solution":"' + b"x" * (48 << 20) + b'"},{"task_id":"none"}]}', read=False)
        healthy()
        large.setblocking(False)
        try:
            said = large.recv(4096)
        except BlockingIOError:
            said = None
        large.close()
        if said is None:
            break
    assert said is None, said
    for _ in range(3):  # they leave while their bodies are read
        post(json.dumps({"items": items}).encode() * 8, read=False).close()
    healthy()
    wait_for("bodies are held", lambda: metric("held_bytes") == 0 and metric("pending") == 0)
    wait_for("connections are left", lambda: connections() == 0)


def unread():
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    for _ in range(4000):
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: " + b"n" * 64 + b"\r\n\r\n")
        assert s.recv(4096).startswith(b"HTTP/1.1 200")
    s.close()
    dropped = metric("log_dropped_total")
    assert dropped > 0
    log = os.open(os.path.join(os.path.dirname(path), "unread"), os.O_RDONLY | os.O_NONBLOCK)
    text = b""

    def drained():
        nonlocal text
        try:
            text += os.read(log, 1 << 20)
        except BlockingIOError:
            pass
        return b"log=dropped lines=" in text

    wait_for("the log says what it lacks", drained)
    os.close(log)
    lines = text.decode().splitlines()
    assert all(" request=" + "n" * 64 in line for line in lines[2:1000]), lines[:5]


globals()[test]()
