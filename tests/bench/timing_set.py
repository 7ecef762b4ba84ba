"""Timed problems for timing_self.py and timing_pairs.py, made from ENAMEL: HumanEval's canonical solution of a task is slow, ENAMEL's is
fast, its generator makes the inputs. And what both need: a verifier to ask, load beside it, a figure measured without it.

A program answers a batch of inputs in one call, so that its work, not the way of values to it, is what is timed. Both scripts decide the
batch here, on this machine, so that one run of the fast program takes some milliseconds.
"""
import argparse
import contextlib
import csv
import http.client
import json
import multiprocessing
import os
import random
import signal
import socket
import statistics
import string  # noqa: F401 (generators use it)
import subprocess
import sys
import tempfile
import time

import bisect, collections, copy, datetime, decimal, fractions, functools, hashlib, heapq, itertools  # noqa: E401,F401
import math, operator, typing  # noqa: E401,F401 (a plain fork has them imported, as the keeper has)

LOADS = ("idle", "other", "both")  # nothing beside it; a busy process on the second core; one on every core
ASSAY = os.path.join(os.environ.get("ASSAY_BUILD", "build/release"), "assay")
INPUTS_S_MAX = 0.015  # of CPU, to make one batch
INPUTS_CHARS_MAX = 60000  # written out: more of the time would go into handing them over
TRY_S_MAX = 0.5  # of wall time, for a few inputs, while a batch is sought

HELPERS = '''
import math, random, string

def is_prime(n):
    return n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1))

def rand_probably_prime(low, high=None):
    low, high = (2, max(2, low)) if high is None else (low, high)
    for _ in range(200):
        n = random.randint(max(2, (low + high) // 2), high)
        if is_prime(n):
            return n
    return 2

def rand_primality(size, lid, cid):
    return rand_probably_prime(size) if cid % 2 == 0 else random.randint(max(2, size // 2), max(3, size))

def rand_parens(size, valid=True):
    text, depth = [], 0
    for left in range(size, 0, -1):
        opens = depth == 0 or (depth < left and random.random() < 0.5)
        text.append("(" if opens else ")")
        depth += 1 if opens else -1
    return "".join(text) if valid else "".join(reversed(text))
'''


def setup_of(task, level, size, count):
    return "%s\n%s\ncalls = [generate_input(%d, %d, number) for number in range(1, %d)]\n" % (
        HELPERS, task["generator"], size, level, count + 1)


# `again` of the inputs are worked on twice: so much more work for the same answers.
BATCH = '''

def timed_batch(calls):
    answers = [%(entry)s(*call) for call in calls]
    for call in calls[:int(len(calls) * %(again)g)]:
        %(entry)s(*call)
    return answers
'''




def batch(program, entry, again=0.0):
    return program + BATCH % {"entry": entry, "again": again}


def load(folder):
    """{task_id: {"entry", "slow", "fast", "generator", "sizes"}}"""
    csv.field_size_limit(1 << 30)
    with open(os.path.join(folder, "humaneval-canonical.json")) as f:
        slow = json.load(f)
    with open(os.path.join(folder, "enamel-references.json")) as f:
        fast = json.load(f)
    tasks = {}
    with open(os.path.join(folder, "enamel.csv"), newline="") as f:
        for row in csv.DictReader(f):
            number = int(row["task_id"].split("/")[1])
            if row["input_generator"] and row["input_levels"]:
                tasks[row["task_id"]] = {"entry": row["entry_point"], "slow": slow[number][0], "fast": fast[number][0],
                                         "generator": row["input_generator"], "sizes": list(map(int, row["input_levels"].split()))}
    return tasks


def too_slow(*_):
    raise TimeoutError


def inputs(setup, repeat, cpu_s_max=10):
    """What the judge makes of `setup` for this repeat. TimeoutError: not within `cpu_s_max`."""
    space = {"repeat": repeat}
    random.seed(repeat + 1)
    signal.signal(signal.SIGPROF, too_slow)
    signal.setitimer(signal.ITIMER_PROF, cpu_s_max)
    try:
        exec(setup, space)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return space["calls"]


def in_fork(program, calls, wall_s_max=10):
    """CPU seconds and answers of one run in a fork of this interpreter, so that it can be ended: of the second call of two, because the
    first meets memory that is new to it. None: it failed, or took longer than it may."""
    out, into = multiprocessing.Pipe(False)
    pid = os.fork()
    if pid == 0:
        try:
            space = {"__name__": "solution"}
            exec(compile(program, "<program>", "exec"), space)
            for again in copy.deepcopy(calls), copy.deepcopy(calls):
                began = time.thread_time()
                answers = space["timed_batch"](again)
                took = time.thread_time() - began
            into.send((took, answers))
        finally:
            os._exit(0)
    into.close()
    result = None
    if out.poll(wall_s_max):
        with contextlib.suppress(EOFError):
            result = out.recv()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    out.close()
    return result


def size_batch(task, fast_s, slow_s_max):
    """The task with a "setup" whose batch takes the fast program `fast_s` or a little more and the slow one at most `slow_s_max`, at
    the largest size that allows it; None where none does, or where the two do not agree."""
    fast, slow = (batch(task[which], task["entry"]) for which in ("fast", "slow"))
    for level in range(len(task["sizes"]) - 1, -1, -1):
        count = 4
        while count <= 4096:
            setup = setup_of(task, level, task["sizes"][level], count)
            try:
                calls = inputs(setup, 0, INPUTS_S_MAX)
            except Exception:  # the generator needs more time, or a helper that is not there
                break
            b = in_fork(slow, calls, TRY_S_MAX)
            if not b or b[0] > slow_s_max or len(repr(calls)) > INPUTS_CHARS_MAX:
                break
            a = in_fork(fast, calls, TRY_S_MAX)
            if not a or a[1] != b[1]:
                return None
            if a[0] >= fast_s:
                return dict(task, setup=setup, level=level, count=count, fast_s=a[0], slow_s=b[0])
            count *= 2 if a[0] > fast_s / 4 else 4
    return None


def sized_tasks(folder, kept):
    """All tasks for which there is a batch, in a fixed random order; from the file `kept` if it is there, else found and left in it."""
    if kept and os.path.exists(kept):
        with open(kept) as f:
            return json.load(f)
    tasks = sorted(load(folder).items())
    random.Random(1).shuffle(tasks)
    sized = {name: task for name, task in ((name, size_batch(task, 0.004, 0.06)) for name, task in tasks) if task}
    if kept:
        with open(kept, "w") as f:
            json.dump(sized, f)
    return sized


def problem(name, task, reference):
    """A native problem; its one test is the first two inputs of the batch."""
    small = inputs(task["setup"], 0)[:2]
    want = in_fork(reference, small, 2)[1]
    return {"id": name, "prompt": "", "entry_point": "timed_batch", "reference": reference,
            "tests": "assert timed_batch(%r) == %r\n" % (small, want),
            "limits": {"cpu_s": 5, "wall_s": 60}, "timing": {"setup": task["setup"], "call": "timed_batch(calls)"}}


CAREFUL = '''
import copy, gc, json, random, time

def inputs(repeat):
    space = {"repeat": repeat}
    random.seed(repeat + 1)
    exec(setup, space)
    return space["calls"]

def run(program, calls):
    began = time.thread_time()
    space = {"__name__": "solution"}
    exec(compile(program, "<program>", "exec"), space)
    loaded = time.thread_time()
    answers = space["timed_batch"](calls)
    called = time.thread_time()
    return called - began, called - loaded

taken = []
for number in range(-warm, count):
    calls, pair = inputs(first + number), [None, None]
    for which in ((0, 1), (1, 0))[number & 1]:
        own = copy.deepcopy(calls)
        gc.collect()
        pair[which] = run(programs[which], own)
    if number >= 0:
        taken.append(pair)
print(json.dumps(taken))
'''


def middle_ratio(pairs):
    """Hodges and Lehmann's, of pairs of seconds."""
    logs = [math.log(a / b) for a, b in pairs]
    return math.exp(statistics.median((a + b) / 2 for i, a in enumerate(logs) for b in logs[i:]))


class Careful:
    """A long measurement of two programs, in pieces: what they cost once all is warm.

    A piece is one process that neither forks nor hands anything over, and runs both in alternating order on fresh inputs, each from its
    text; the first runs are not counted, inputs are made and copied while the clock stands, answers given up likewise. It is the
    guests' interpreter (`assay run`), as another build of CPython gives another ratio. The clock is the thread's: the process's, read from
    within where a limit on processor time is set, moves by ticks."""

    WARM = 3

    def __init__(self, reference, candidate, setup):
        self.given = "programs, setup, warm = %r, %r, %d\n" % ((reference, candidate), setup, self.WARM)
        self.taken = []  # of each run of both, for each: (all, the call alone)

    def run(self, count):
        if count > 0:
            text = self.given + "first, count = %d, %d\n" % (self.WARM + len(self.taken), count) + CAREFUL
            done = subprocess.run([ASSAY, "run", "--cpu", "120", "--wall", "300", "-"], input=text, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, check=True)
            self.taken += json.loads(done.stdout)

    def pairs(self, what=0):
        return [(a[what], b[what]) for a, b in self.taken]

    def ratio(self, what=0):
        return middle_ratio(self.pairs(what))

    def halves(self):
        """By what share the ratios of the earlier and the later runs are apart."""
        pairs, half = self.pairs(), len(self.taken) // 2
        return abs(math.log(middle_ratio(pairs[:half]) / middle_ratio(pairs[half:])))

    def seconds(self):
        return tuple(map(statistics.median, zip(*self.pairs())))


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


@contextlib.contextmanager
def verifier(problems):
    """A function that grades one sample on the only slot of a verifier of these problems: (verdict, wall seconds)."""
    with tempfile.TemporaryDirectory() as folder:
        path, sock = os.path.join(folder, "set.jsonl"), os.path.join(folder, "socket")
        with open(path, "w") as f:
            f.writelines(json.dumps(p) + "\n" for p in problems)
        server = subprocess.Popen([ASSAY, "serve", "-p", path, "--listen", "unix:" + sock, "-j", "1"], stderr=subprocess.DEVNULL)
        try:
            for _ in range(200):
                if os.path.exists(sock) or server.poll() is not None:
                    break
                time.sleep(0.05)
            connection = Unix(sock)

            def grade(name, program, timing=True):
                body = json.dumps({"items": [{"task_id": name, "solution": program}], "timing": timing})
                began = time.monotonic()
                connection.request("POST", "/v1/grade", body)
                answer = json.load(connection.getresponse())
                return answer["verdicts"][0], time.monotonic() - began

            yield grade
        finally:
            server.terminate()
            server.wait()


class Trials:
    """The CSV of a study, a line a trial, written as soon as it is known: who cuts a study off and begins it again goes on there."""

    def __init__(self, path, columns):
        self.path, self.columns, self.rows, self.shown = path, columns, [], 0
        if path and os.path.exists(path):
            with open(path, newline="") as f:
                reader = csv.DictReader(f)
                self.rows = list(reader)
                if reader.fieldnames != columns:
                    raise SystemExit("%s: has other columns; move it away" % path)
        elif path:
            with open(path, "w", newline="") as f:
                csv.writer(f).writerow(columns)

    def add(self, rows):
        rows = [{key: "" if row[key] is None else str(row[key]) for key in self.columns} for row in rows]
        self.rows += rows
        if self.path:
            with open(self.path, "a", newline="") as f:
                csv.DictWriter(f, self.columns).writerows(rows)

    def where(self, **values):
        return [row for row in self.rows if all(row[key] == value for key, value in values.items())]

    def progress(self, text):
        """Rewrites one line of a terminal; elsewhere a line every ten seconds."""
        terminal, now = sys.stderr.isatty(), time.monotonic()
        if terminal or now - self.shown > 10:
            print("\r\033[K" + text if terminal else text, end="" if terminal else "\n", file=sys.stderr, flush=True)
            self.shown = now


def numbers(rows, key):
    return sorted(float(row[key]) for row in rows if row[key])


def quantile(ordered, share):
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def states(text):
    """The load states of a comma-separated list."""
    wanted = text.split(",")
    if not set(wanted) <= set(LOADS):
        raise argparse.ArgumentTypeError("of %s" % ", ".join(LOADS))
    return wanted


def table(heads, rows):
    rows = [heads] + [["%s" % cell for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    for row in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths)))


def spin(core):
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, {core})
    while os.getppid() != 1:
        sum(i * i for i in range(100000))


@contextlib.contextmanager
def load_beside(state):
    """`idle`, `other` (a busy process on one core) or `both` (one on every core)."""
    cores = sorted(os.sched_getaffinity(0))
    busy = {"idle": [], "other": cores[1:2], "both": cores}[state]
    processes = [multiprocessing.Process(target=spin, args=(core,), daemon=True) for core in busy]
    for p in processes:
        p.start()
    try:
        yield
    finally:
        for p in processes:
            p.terminate()
            p.join()
