#!/usr/bin/env python3
"""How long one client's large request keeps the others waiting.

    python3 tests/bench/large_bodies.py [--repeats 3] [--mib 64] [--csv FILE] [--build build/release] [SHAPE ...]

A server of one slot gets a body of nearly `--mib` MiB of each shape from one client, while another asks it for /healthz
again and again on a connection of its own. A line a shape: the status of the large request and how long it took, the
longest wait for /healthz meanwhile beside the longest one of an undisturbed second right before, each the median of the
repeats, and the highest resident memory of the verifier so far, its slot not counted.

Shapes: items (4096 completions of 16 KiB), ndjson (the same on lines), one (one completion), program (one program), extras (64 completions that carry
lists of numbers), numbers (nothing but numbers), objects (nothing but empty objects)."""
import argparse
import csv
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROBE_S = 0.001


def reply_of(size):
    """An answer in prose and a fence, the right program among it."""
    code = "```python\ndef add(a, b):\n    return a + b\n```\n"
    prose = "We add the two numbers, \"a\" and b.\n"
    return prose * ((size - len(code)) // len(prose)) + code


def items_of(total, n, extra=None):
    rows = []
    for i in range(n):
        row = {"task_id": "add", "id": i, "response": f"{i}\n" + reply_of(64 if extra else total // n - 1500)}
        if extra:
            row["ids"] = [1000000000 + k for k in range(total // n // 11 - 100)]
        rows.append(row)
    return rows


def body_of(shape, total):
    if shape == "items":
        return "application/json", json.dumps({"items": items_of(total, 4096)})
    if shape == "ndjson":
        return "application/x-ndjson", "\n".join(json.dumps(row) for row in items_of(total, 4096))
    if shape == "one":
        return "application/json", json.dumps({"items": items_of(total * 9 // 10, 1)})
    if shape == "program":
        code = "def add(a, b):\n    return a + b\n" + "# a line that says nothing\n" * (total // 30)
        return "application/json", json.dumps({"items": [{"task_id": "add", "solution": code}]})
    if shape == "extras":
        return "application/json", json.dumps({"items": items_of(total, 64, True)}, separators=(",", ":"))
    filler = {"numbers": "1,", "objects": "{},"}[shape]
    return "application/json", '{"items":[' + filler * (total // len(filler) - 20) + "1]}"


def ask(path, head, body=b""):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.sendall(head.encode() + b"\r\n\r\n")
    try:
        s.sendall(body)
    except BrokenPipeError:
        pass
    answer = b""
    while chunk := s.recv(1 << 20):
        answer += chunk
    s.close()
    return int(answer.split(b" ", 2)[1])


class Probe(threading.Thread):
    """Asks for /healthz until it is told to stop; `worst` is the longest wait in seconds."""

    def __init__(self, path):
        super().__init__()
        self.path, self.worst, self.stop = path, 0, False

    def run(self):
        s = socket.socket(socket.AF_UNIX)
        s.connect(self.path)
        while not self.stop:
            t = time.monotonic()
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            s.recv(4096)
            self.worst = max(self.worst, time.monotonic() - t)
            time.sleep(PROBE_S)
        s.close()


def probed(path, work):
    """How long `work` took, its result, and the longest wait meanwhile. The work runs in a process of its own."""
    read, write = os.pipe()
    t = time.monotonic()
    child = os.fork()
    if child == 0:
        os.write(write, str(work()).encode())
        os._exit(0)
    os.close(write)
    probe = Probe(path)
    probe.start()
    result = os.read(read, 100).decode()
    os.waitpid(child, 0)
    took = time.monotonic() - t
    probe.stop = True
    probe.join()
    os.close(read)
    return took, result, probe.worst


def peak_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shapes", nargs="*", default=["items", "ndjson", "one", "program", "extras", "numbers", "objects"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--mib", type=float, default=64)
    parser.add_argument("--csv")
    parser.add_argument("--build", default="build/release")
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        server = subprocess.Popen([f"{args.build}/assay", "serve", "-p", f"{HERE}/../e2e/data/add.yaml", "--listen",
                                   f"unix:{path}", "-j", "1", "--log", "faults"], stderr=sys.stderr)
        try:
            while not os.path.exists(path):
                time.sleep(0.02)
            ask(path, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close")
            print("shape     status  took s  longest wait ms  undisturbed ms  verifier MiB")
            for shape in args.shapes:
                kind, text = body_of(shape, int(args.mib * (1 << 20)) - 4096)
                body = text.encode()
                head = (f"POST /v1/grade HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\n"
                        f"Content-Length: {len(body)}")
                idle, large = [], []
                for _ in range(args.repeats):
                    idle.append(probed(path, lambda: time.sleep(1))[2])
                    large.append(probed(path, lambda: ask(path, head, body)))
                row = [shape, large[0][1], statistics.median(x[0] for x in large),
                       statistics.median(x[2] for x in large) * 1e3, statistics.median(idle) * 1e3, peak_mib(server.pid)]
                rows.append(row)
                print("{:9} {:>6} {:7.2f} {:16.1f} {:15.1f} {:13.0f}".format(*row), flush=True)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
    if args.csv:
        with open(args.csv, "w", newline="") as f:
            out = csv.writer(f)
            out.writerow(["shape", "status", "took_s", "longest_wait_ms", "undisturbed_ms", "verifier_mib"])
            out.writerows(rows)


if __name__ == "__main__":
    main()
