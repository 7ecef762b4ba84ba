"""Timed problems for timing_self.py and timing_pairs.py, made from ENAMEL: HumanEval's canonical solution of a task is slow, ENAMEL's is
fast, its generator makes the inputs. And what both need: a verifier to ask, load beside it, a figure measured without it.

A program answers a batch of inputs in one call, so that its work, not the way of values to it, is what is timed. Both scripts decide the
batch here, on this machine, so that one run of the fast program takes some milliseconds.
"""
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
import tempfile
import time

import bisect, collections, copy, datetime, decimal, fractions, functools, hashlib, heapq, itertools  # noqa: E401,F401
import math, operator, typing  # noqa: E401,F401 (a plain fork has them imported, as the keeper has)

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
    """CPU seconds and answers of one run: compiled, executed and called in a fork of this warm interpreter; nothing is jailed and
    nothing crosses, nor is a page of the inputs shared, during the time that is taken. None: it failed, or took longer than it may."""
    out, into = multiprocessing.Pipe(False)
    pid = os.fork()
    if pid == 0:
        try:
            calls = copy.deepcopy(calls)  # pages shared with the parent would be copied while the clock runs
            began = time.process_time()
            space = {"__name__": "solution"}
            exec(compile(program, "<program>", "exec"), space)
            answers = space["timed_batch"](calls)
            into.send((time.process_time() - began, answers))
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


def careful_ratio(reference, candidate, setup, runs):
    """Hodges and Lehmann's ratio over `runs` pairs of plain forks, and the CPU seconds of both (medians)."""
    logs, seconds = [], ([], [])
    for run in range(runs):
        calls = inputs(setup, run)
        took = [0.0, 0.0]
        for which in ((0, 1), (1, 0))[run & 1]:
            took[which] = in_fork((reference, candidate)[which], calls)[0]
            seconds[which].append(took[which])
        logs.append(math.log(took[0] / took[1]))
    walsh = [(a + b) / 2 for i, a in enumerate(logs) for b in logs[i:]]
    return math.exp(statistics.median(walsh)), statistics.median(seconds[0]), statistics.median(seconds[1])


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
