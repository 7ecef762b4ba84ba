"""serve_stream.py SOCKET CASE: requests to POST /v1/grade that curl cannot make; says what is wrong and exits 1."""

import http.client
import json
import socket
import sys
import time

SOCKET, CASE = sys.argv[1:3]
RIGHT, SLOW = "def add(a, b): return a + b", "def add(a, b):\n    while True: pass"
JSON_LINES = {"Accept": "application/x-ndjson"}


class Connection(http.client.HTTPConnection):
    def __init__(self):
        super().__init__("localhost", timeout=100)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)


def ask(items, headers={}, **options):
    c = Connection()
    c.request("POST", "/v1/grade", json.dumps({"items": items, **options}), headers)
    return c


def metric(name):
    c = Connection()
    c.request("GET", "/metrics")
    for line in c.getresponse().read().decode().splitlines():
        if line.rpartition(" ")[0] == name:
            return float(line.rpartition(" ")[2])
    raise KeyError(name)


def until(condition, limit_s=60):
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("nothing changed")
        time.sleep(0.05)


def item(solution, **more):
    return {"task_id": "add", "solution": solution, **more}


def programs(n):
    """Right and wrong ones by turns, no two alike."""
    return [item(f"def add(a, b): return a {'+-'[i % 2]} b  # {i} {time.time()}", id=i) for i in range(n)]


def same():
    """Line by line or at once: the same verdicts, each item once."""
    items = programs(150)
    at_once = json.loads(ask(items).getresponse().read())["verdicts"]
    answer = ask(items, JSON_LINES).getresponse()
    assert answer.getheader("Content-Type") == "application/x-ndjson", answer.getheaders()
    lines = [json.loads(line) for line in answer]
    assert sorted(line["item"] for line in lines) == list(range(150)), [line["item"] for line in lines]
    for line in lines:
        a, b = at_once[line["item"]], line["verdict"]
        assert b["cached"] and all(a[k] == b[k] for k in a if k != "cached"), (a, b)
        assert a["grade"] == ("correct", "fails-tests")[line["item"] % 2] and a["sample"] == a["id"] == line["item"], a


def early():
    """A slow program does not hold up the others' verdicts."""
    lines = [json.loads(line)["item"] for line in ask([item(SLOW)] + programs(3), stream=True).getresponse()]
    assert len(lines) == 4 and lines[-1] == 0, lines


def body_lines():
    """Items as lines, options in the query; the verdicts in order unless asked otherwise."""
    text = "\n".join(json.dumps(i) for i in programs(5)) + "\n\n"
    c = Connection()
    c.request("POST", "/v1/grade?timing=false&deadline_s=60", text, {"Content-Type": "application/x-ndjson; charset=utf-8"})
    verdicts = json.loads(c.getresponse().read())["verdicts"]
    assert [v["id"] for v in verdicts] == list(range(5)), verdicts
    c.request("POST", "/v1/grade", text + "{", {"Content-Type": "application/x-ndjson"})
    answer = c.getresponse()
    assert answer.status == 400 and b"line 7" in answer.read(), answer.status


def stalled():
    """A client that does not read: grading stops, the answer does not pile up. When it reads on, all is there."""
    before, pad, n = metric("assay_verdict_seconds_count"), "x" * 65536, 400
    c = ask([item(RIGHT, pad=pad, id=i) for i in range(n)], stream=True)
    size = n * 65536
    until(lambda: metric("assay_verdict_seconds_count") > before)
    last = -1
    while last != (last := metric("assay_verdict_seconds_count")):
        time.sleep(0.5)
    held = metric("assay_held_bytes")
    assert last - before < n / 2, f"{last - before} of {n} graded for nobody"
    assert metric("assay_pending") >= n / 2
    assert held < size + (8 << 20), f"{held} bytes held, the body has {size}"
    lines = [json.loads(line) for line in c.getresponse()]
    assert sorted(line["verdict"]["id"] for line in lines) == list(range(n))
    c.close()
    until(lambda: metric("assay_held_bytes") < 1 << 20)


def gone():
    """Clients that leave: what was not begun never is, and nothing is held for them."""
    cancelled = metric("assay_cancelled_total")
    slow = [item(f"{SLOW}  # {i} {time.time()}") for i in range(60)]
    for options in ({}, {"stream": True}):
        c = ask(slow, **options)
        until(lambda: metric("assay_pending") >= 20)
        c.close()
        until(lambda: metric("assay_pending") == 0)
    assert metric("assay_cancelled_total") == cancelled + 2
    assert json.loads(ask([item(RIGHT)]).getresponse().read())["verdicts"][0]["grade"] == "correct"


def deadline():
    """What has no verdict in time says so; what has one keeps it. No reward for either fault or haste."""
    passed = metric("assay_deadlines_total")
    items = [item(RIGHT)] + [item(f"{SLOW}  # {i} {time.time()}") for i in range(100)]
    ask(items[:1]).getresponse().read()
    for options in ({}, {"stream": True}):
        answer = ask(items, deadline_s=0.4, **options).getresponse().read()
        if options:
            verdicts = [line["verdict"] for line in sorted(map(json.loads, answer.splitlines()), key=lambda line: line["item"])]
        else:
            verdicts = json.loads(answer)["verdicts"]
        assert len(verdicts) == 101 and verdicts[0]["grade"] == "correct", len(verdicts)
        late = [v for v in verdicts[1:] if v["infra"] == "the request's deadline passed"]
        assert len(late) >= 90 and all(v["grade"] is None and v["reward"] is None for v in late), len(late)
    assert metric("assay_deadlines_total") >= passed + 180
    assert metric("assay_pending") == 0
    for bad in (0, -1, "soon", 1e9):
        assert ask([], deadline_s=bad).getresponse().status == 400


def fair():
    """A large request does not shut out a small one."""
    large = ask([item(f"{SLOW}  # {i} {time.time()}") for i in range(200)])
    until(lambda: metric("assay_pending") > 0)
    assert json.loads(ask(programs(1)).getresponse().read())["verdicts"][0]["grade"] == "correct"
    assert metric("assay_pending") > 100
    large.close()
    until(lambda: metric("assay_pending") == 0)


def memory():
    """Past --memory bodies are refused, whoever sends them; a body alone never is."""
    refused = metric("assay_refused_total")
    first = Connection()
    first.putrequest("POST", "/v1/grade")
    first.putheader("Content-Length", str(6 << 20))
    first.endheaders(b" " * (5 << 20))
    until(lambda: metric("assay_held_bytes") >= 5 << 20)
    second = ask([item(RIGHT, pad="x" * 100000)]).getresponse()
    assert second.status == 429 and second.getheader("Retry-After"), second.status
    assert metric("assay_refused_total") == refused + 1
    first.send(json.dumps({"items": [item(RIGHT)]}).encode().rjust(1 << 20))
    assert first.getresponse().status == 200
    first.close()
    until(lambda: metric("assay_held_bytes") < 1 << 20)
    assert ask([item(RIGHT, pad="x" * 100000)]).getresponse().status == 200
    # What a body becomes counts, not its text alone.
    slow = [item(f"{SLOW}  # {i} {time.time()}") for i in range(60)]
    wide = ask(slow + [item(RIGHT, pad=[{}] * 40000)])
    until(lambda: metric("assay_held_bytes") >= 8 << 20)
    assert ask([item(RIGHT, pad="x" * 100000)]).getresponse().status == 429
    wide.close()
    until(lambda: metric("assay_held_bytes") < 1 << 20)


def drain():
    """Run before SIGTERM: all lines come although the server is told to stop."""
    answer = ask(programs(300), stream=True).getresponse()
    first = answer.readline()
    print("begun", flush=True)
    lines = [first] + list(answer)
    assert len(lines) == 300, len(lines)


try:
    globals()[CASE]()
except Exception as e:
    sys.exit(f"{CASE}: {type(e).__name__}: {e}")
