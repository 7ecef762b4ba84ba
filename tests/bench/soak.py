#!/usr/bin/env python3
"""Asks a server for many mixed verdicts over many connections, and watches its processes.

    python3 tests/bench/soak.py [--count 50000] [--connections 64] [--slots N] [--seed 1] [--hostile 0.1] [--csv FILE]
                                [--humaneval ../shared/data/humaneval/HumanEval.jsonl.gz] [--build build/release]

Honest: HumanEval's own solutions (a sum of two numbers where there is no HumanEval). Wrong: the same problems, answered
with None, an exception, a syntax error or prose. Hostile: the programs of tests/escape that attack a function's tests and
nothing of the host's, under a limit of 0.2 s of processor time and 0.6 s of wall time. One in twenty repeats an earlier
program. A refusal (429) is obeyed. Two verdicts on one program of tests/escape must have the same grade.

What must hold, and the exit status says whether it did: every question is answered with a grade; resident memory and
descriptors of each kind of process stay what they were after a fifth of the run (of the verifier where the run is long enough to
fill its cache); the verifier itself has at most 40 MiB; of
honest answers the slowest hundredth takes at most three times as long as the middle one; no hostile program runs longer than its
limit and half a second. Slots are as many as the server has by itself, unless it is told. With --count 5000 all but the verifier's
memory is looked at in half a minute; the start of the slots then weighs more in the slowest hundredth."""
import argparse
import csv
import glob
import gzip
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ESCAPE = os.path.join(HERE, "..", "escape")
WALL_S, GRACE_S, RSS_KIB_MAX = 0.6, 0.5, 40 * 1024
CACHE_IS_FULL = 40000  # verdicts; before that the verifier may still grow
LIMITS = f"limits: {{cpu_s: 0.2, wall_s: {WALL_S}, memory_mib: 128}}\n"


def hostile_programs():
    """name -> text of those that attack a function and name nothing of the host's."""
    found = {}
    for path in sorted(glob.glob(f"{ESCAPE}/*/*.py")):
        name = os.path.relpath(path, ESCAPE)
        with open(path, encoding="utf-8", errors="surrogateescape") as f:
            text = f.read()
        head = [line for line in text.split("\n")[:6] if line.startswith("# form:")]
        forms = head[0].split(":")[1].split() if head else ["function"]
        if not name.startswith("honest/") and "@" not in text and {"function", "all", "calls", "lies"} & set(forms):
            try:
                text.encode()
            except UnicodeEncodeError:
                continue
            found[name] = text
    return found


class Mix:
    """The questions, by number: (kind, what, item)."""

    def __init__(self, options):
        self.options = options
        self.hostile = hostile_programs()
        self.names = list(self.hostile)
        self.solutions = []
        if os.path.exists(options.humaneval):
            with gzip.open(options.humaneval, "rt") as f:
                self.solutions = [(p["task_id"], p["canonical_solution"]) for p in map(json.loads, f)]

    def honest(self, rng, number):
        if not self.solutions:
            return "honest", "sum", {"task_id": "function", "solution": f"def add(a, b):\n    return a + b  # {number}\n"}
        task, text = rng.choice(self.solutions)
        return "honest", task, {"task_id": task, "completion": text + f"# {number}\n"}

    def wrong(self, rng, number):
        task = rng.choice(self.solutions)[0] if self.solutions else "function"
        how = number % 4
        if how == 3:
            return "wrong", "prose", {"task_id": task, "response": f"This is solved by counting, {number} times or so."}
        body = ["    return None", "    raise ValueError", "    return ]"][how]
        return "wrong", str(how), {"task_id": task, "completion": f"{body}  # {number}\n"} if self.solutions else {
            "task_id": task, "solution": f"def add(a, b):\n{body}  # {number}\n"}

    def question(self, number):
        rng = random.Random(f"{self.options.seed} {number}")
        if number > 100 and rng.random() < 0.05:
            number -= rng.randrange(1, 100)
            rng = random.Random(f"{self.options.seed} {number}")
            rng.random()
        kind = rng.random()
        if kind < self.options.hostile:
            name = rng.choice(self.names)
            return "hostile", name, {"task_id": "function", "solution": self.hostile[name] + f"\n# {number}\n"}
        return self.wrong(rng, number) if kind < self.options.hostile + 0.2 else self.honest(rng, number)


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Run:
    def __init__(self, options, mix, path):
        self.options, self.mix, self.path = options, mix, path
        self.lock = threading.Lock()
        self.next = self.done = self.refused = 0
        self.took = {"honest": [], "wrong": [], "hostile": []}
        self.faults, self.grades, self.longest = [], {}, (0, "")

    def take(self, number, kind, what, verdict, seconds):
        with self.lock:
            self.done += 1
            self.took[kind].append(seconds)
            if verdict["infra"] or not verdict["grade"]:
                self.faults.append(f"{kind} {what}: infra: {verdict['infra']}")
            if kind == "honest" and verdict["grade"] != "correct":
                self.faults.append(f"honest {what}: {verdict['grade']} {verdict['reason']}")
            if kind == "hostile":
                self.grades.setdefault(what, set()).add(verdict["grade"])
                wall = (verdict["time"] or {}).get("wall_ms", 0) / 1000
                self.longest = max(self.longest, (wall, what))

    def ask(self, connection, item):
        body = json.dumps({"items": [item], "timing": False})
        while True:
            connection.request("POST", "/v1/grade", body)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status == 200:
                return json.loads(text)["verdicts"][0]
            if answer.status != 429:
                raise RuntimeError(f"status {answer.status}: {text[:200]}")
            with self.lock:
                self.refused += 1
            time.sleep(float(answer.headers["Retry-After"]))

    def client(self):
        connection = Connection(self.path)
        while True:
            with self.lock:
                number = self.next
                self.next += 1
            if number >= self.options.count:
                connection.close()
                return
            kind, what, item = self.mix.question(number)
            start = time.monotonic()
            try:
                self.take(number, kind, what, self.ask(connection, item), time.monotonic() - start)
            except (OSError, http.client.HTTPException, RuntimeError) as error:
                with self.lock:
                    self.faults.append(f"{kind} {what}: {error!r} after {time.monotonic() - start:.0f} s")
                connection.close()


def processes(root):
    """kind -> (how many, KiB of the largest, descriptors of the one with most); guests come and go, and are left out."""
    found = {}
    todo = [(root, "verifier", 0)]
    while todo:
        pid, kind, depth = todo.pop()
        try:
            with open(f"/proc/{pid}/status") as f:
                rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
            files = len(os.listdir(f"/proc/{pid}/fd"))
            with open(f"/proc/{pid}/task/{pid}/children") as f:
                below = [int(p) for p in f.read().split()]
            for child in below:
                with open(f"/proc/{child}/comm") as f:
                    name = f.read().strip().replace("assay-", "")
                if depth == 0 or (depth == 1 and kind == "keeper"):
                    todo.append((child, "template" if depth else name, depth + 1))
        except (OSError, StopIteration):
            continue
        n, most, open_files = found.get(kind, (0, 0, 0))
        found[kind] = (n + 1, max(most, rss), max(open_files, files))
    return found


def watch(run, root, rows):
    step, at = max(1, run.options.count // 50), 0
    while run.done + len(run.faults) < run.options.count and any(t.is_alive() for t in run.threads):
        time.sleep(0.2)
        if run.done >= at:
            rows.append((run.done, processes(root)))
            at += step
            if at % (10 * step) == 0:
                print(f"# {rows[-1][0]:6d} " + ", ".join(f"{k} {n}: {r / 1024:.1f} MiB, {f} files"
                                                         for k, (n, r, f) in sorted(rows[-1][1].items())), flush=True)
    rows.append((run.done, processes(root)))


def growth(rows, count, index):
    """kind -> (median of the second fifth of the run, of the last)."""
    def part(low, high):
        kinds = {}
        for done, found in rows:
            if low * count <= done <= high * count:
                for kind, values in found.items():
                    kinds.setdefault(kind, []).append(values[index])
        return {kind: statistics.median(values) for kind, values in kinds.items()}

    early, late = part(0.2, 0.4), part(0.8, 1)
    return {kind: (early.get(kind, 0), late[kind]) for kind in late}


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(p * len(values)))]


def report(run, rows, seconds):
    bad = [f"{fault}" for fault in run.faults[:10]]
    print(f"{run.done} verdicts in {seconds:.0f} s ({run.done / seconds:.0f}/s), {run.options.connections} connections, "
          f"{rows[-1][1]['judge'][0]} slots at the end, {run.refused} refusals obeyed, {len(run.faults)} faults")
    for kind, took in run.took.items():
        if took:
            p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
            print(f"{kind}: {len(took)}, p50 {1000 * p50:.0f} ms, p99 {1000 * p99:.0f} ms ({p99 / p50:.1f}x)")
            if kind == "honest" and p99 > 3 * p50:
                bad.append("honest answers: p99 is more than three times p50")
    print(f"longest hostile program: {run.longest[0]:.2f} s, {run.longest[1]}")
    if run.longest[0] > WALL_S + GRACE_S:
        bad.append("a hostile program ran longer than its limit")
    bad += [f"{name}: {' and '.join(map(str, grades))}" for name, grades in run.grades.items() if len(grades) > 1]
    for index, unit, slack in (1, "KiB", 1024), (2, "files", 0):
        for kind, (early, late) in sorted(growth(rows, run.options.count, index).items()):
            print(f"{kind}: {early:.0f} {unit} after a fifth, {late:.0f} at the end")
            judged = kind != "verifier" or unit != "KiB" or run.options.count >= CACHE_IS_FULL
            if judged and late > early * 1.05 + slack:
                bad.append(f"{kind}: {unit} grow")
            if kind == "verifier" and unit == "KiB" and late > RSS_KIB_MAX:
                bad.append(f"the verifier has more than {RSS_KIB_MAX} KiB")
    for line in bad:
        print(f"NOT: {line}")
    return 1 if bad or run.done != run.options.count else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=50000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--slots", type=int, help="the server's -j")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hostile", type=float, default=0.1)
    parser.add_argument("--csv")
    parser.add_argument("--humaneval", default=f"{HERE}/../../../shared/data/humaneval/HumanEval.jsonl.gz")
    parser.add_argument("--build", default=os.environ.get("ASSAY_BUILD", "build/release"))
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="assay-soak-") as folder:
        with open(f"{ESCAPE}/problems/function.yaml") as f, open(f"{folder}/function.yaml", "w") as out:
            out.write("".join(line for line in f if not line.startswith("limits:")) + LIMITS)
        mix = Mix(options)
        problems = ["-p", f"{folder}/function.yaml"] + (["-p", options.humaneval] if mix.solutions else [])
        path = f"{folder}/s.sock"
        with open(f"{folder}/log", "w") as log:
            server = subprocess.Popen([os.path.join(options.build, "assay"), "serve", *problems, "--listen",
                                       f"unix:{path}"] + (["-j", str(options.slots)] if options.slots else []), stderr=log)
        while not os.path.exists(path) and server.poll() is None:
            time.sleep(0.05)
        run = Run(options, mix, path)
        run.threads = [threading.Thread(target=run.client, daemon=True) for _ in range(options.connections)]
        start = time.monotonic()
        for thread in run.threads:
            thread.start()
        watch(run, server.pid, rows)
        seconds = time.monotonic() - start
        server.send_signal(signal.SIGTERM)
        if server.wait(timeout=60) != 0:
            run.faults.append(f"the server ended with status {server.returncode}: " + open(f"{folder}/log").read()[-500:])
    if options.csv:
        with open(options.csv, "w", newline="") as f:
            out = csv.writer(f)
            out.writerow(["verdicts", "process", "number", "rss_kib", "files"])
            out.writerows([done, kind, *values] for done, found in rows for kind, values in sorted(found.items()))
    return report(run, rows, seconds)


if __name__ == "__main__":
    sys.exit(main())
