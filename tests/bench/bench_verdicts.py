#!/usr/bin/python3
"""Verdicts per second and CPU per verdict of assay, beside its baselines from the same run.

usage: bench_verdicts.py [--rounds 3] [--copies 8] [--light] [--config FILE] [--csv FILE] HumanEval.jsonl[.gz]

The work is HumanEval's canonical solutions against their own tests. Peers, one core, in turn round by round:
  spawn   a fresh `python3 -I -S -` per program, no isolation: what a plain grader pays before any jail
  fork    a warm CPython forks, compiles, runs and is reaped, no isolation
  floor   bench_fork: the same from the keeper's own template, in C: what assay itself cannot go below
  assay   build/assay grade -j 1: extraction, lint, jail, judge outside the guest, verdict
assay is measured while it runs: between the end of a first copy of every solution, with which its processes start and
its suites are compiled (told apart, as `start`), and the beginning of the last one. Each copy carries a different comment, so
that no verdict comes from a cache. Then: the same on two cores, by one slot, by two, and by two runs of one slot that
are each kept to a core; the CPU of each process for one verdict; the memory
that is its alone or its share; and the time from a request over a unix socket to its verdict, one at a time.

--light leaves out the four programs that take most of all program time; --config is assay's own (what does a preloaded
numpy cost?); --scaling takes the figures of two cores alone; --csv appends `machine,set,figure,peer,value` to a file. Prints one JSON line a figure, medians over rounds.
"""
import argparse
import gzip
import http.client
import json
import os
import resource
import select
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import bisect, collections, copy, datetime, decimal, fractions, functools, hashlib, heapq, itertools  # noqa: E401,F401
import math, operator, random, re, string, typing  # noqa: E401,F401 (the warm fork has them imported, as the keeper does)

HEAVY = {"HumanEval/32", "HumanEval/36", "HumanEval/75", "HumanEval/147"}
BUILD = os.environ.get("ASSAY_BUILD", "build/release")
ASSAY = os.path.join(BUILD, "assay")
PAUSE_S = 0.005  # a batch of verdicts is written at once: what comes within this time is of the same


def load(path, light):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt") as lines:
        problems = [json.loads(line) for line in lines]
    return [p for p in problems if not (light and p["task_id"] in HEAVY)]


def program(p):
    return "%s%s\n%s\ncheck(%s)\n" % (p["prompt"], p["canonical_solution"], p["test"], p["entry_point"])


def sample(p, k):
    return json.dumps({"task_id": p["task_id"], "completion": p["canonical_solution"] + "\n# copy %d\n" % k})


def cpu_seconds():
    own, children = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def timed(run):
    """(verdicts, wall, CPU) of a peer that is this process and its children."""
    started, cpu = time.perf_counter(), cpu_seconds()
    done = run()
    return done, time.perf_counter() - started, cpu_seconds() - cpu


def run_spawn(problems):
    for p in problems:
        subprocess.run(["/usr/bin/python3", "-I", "-S", "-"], input=program(p).encode(), check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return len(problems)


def run_fork(problems, copies):
    done = 0
    for p in problems * copies:
        pid = os.fork()
        if pid == 0:
            try:
                exec(compile(program(p), "p", "exec"), {"__name__": "p"})
                os._exit(0)
            except BaseException:
                os._exit(1)
        done += os.waitpid(pid, 0)[1] == 0
    return done


def run_floor(problems, copies):
    texts = b"".join(struct.pack("<I", len(t)) + t for t in (program(p).encode() for p in problems))
    out = subprocess.run([os.path.join(BUILD, "tests/bench/bench_fork"), str(copies)], input=texts, check=True,
                         capture_output=True).stdout.decode()
    _, passed, wall, cpu = out.split(",")
    return int(passed), float(wall), float(cpu)


def floor_on_both(problems, copies, cores):
    """What the second core is worth to the floor, which shares nothing: two at once, each on its core, over one."""
    def one(core, took):
        os.sched_setaffinity(0, {core})  # of this thread
        took.append(run_floor(problems, copies)[1])
    alone, both = [], []
    one(cores[0], alone)
    threads = [threading.Thread(target=one, args=(core, both)) for core in cores]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return 2 * alone[0] / max(both)


# ---- assay, looked at while it runs --------------------------------------------------------------------

def family(pid):
    pids = [pid]
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, task)) as f:
                for child in f.read().split():
                    pids += family(int(child))
    except (FileNotFoundError, ProcessLookupError):
        pass  # a guest that has just ended
    return pids


def look(pid):
    """Seconds of CPU so far, by process; `guests` are the keeper's children that are gone."""
    used = collections.Counter()
    for p in family(pid):
        try:
            with open("/proc/%d/comm" % p) as f:
                name = f.read().strip().replace("assay-", "")
            with open("/proc/%d/schedstat" % p) as f:
                own = int(f.read().split()[0]) / 1e9
            with open("/proc/%d/stat" % p) as f:
                gone = sum(map(int, f.read().rsplit(")", 1)[1].split()[13:15])) / os.sysconf("SC_CLK_TCK")
        except (FileNotFoundError, ProcessLookupError):
            continue  # a guest that has just ended
        used[name] += own
        if name == "keeper":
            used["guests"] += gone
    return used


def memory_kib(pid):
    """By process: the kibibytes that are its alone, and its share of what it shares."""
    used = collections.Counter()
    for p in family(pid):
        try:
            with open("/proc/%d/comm" % p) as f:
                name = f.read().strip().replace("assay-", "")
            with open("/proc/%d/smaps_rollup" % p) as f:
                used[name] += int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M).group(1))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return used


class Verdicts:
    """Lines as they come. assay writes those that are ready several times a second, so a count is
    true right after such a batch."""

    def __init__(self, pipe):
        self.fd, self.text, self.count = pipe.fileno(), [], 0

    def take(self, at_least):
        while self.count < at_least or select.select([self.fd], [], [], PAUSE_S)[0]:
            some = os.read(self.fd, 1 << 20)
            if not some:
                break
            self.text.append(some)
            self.count += some.count(b"\n")
        return self.count


def run_assay(problems, copies, path, config, slots=1):
    """(correct, verdicts, wall, CPU by process, CPU of the start, memory) of the steady part of a run:
    all but its first and last copy."""
    text = "".join(sample(p, k) + "\n" for k in range(copies + 2) for p in problems).encode()
    grade = subprocess.Popen([ASSAY, "grade", "-p", path, "-s", "-", "-o", "-", "-j", str(slots), "--no-timing"]
                             + (["--config", config] if config else []),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def feed():
        grade.stdin.write(text)
        grade.stdin.close()
    feeder = threading.Thread(target=feed)
    feeder.start()
    verdicts = Verdicts(grade.stdout)
    first = verdicts.take(len(problems))
    before, started = look(grade.pid), time.perf_counter()
    last = verdicts.take(len(problems) * (copies + 1))
    after, wall, memory = look(grade.pid), time.perf_counter() - started, memory_kib(grade.pid)
    verdicts.take(len(problems) * (copies + 2))
    feeder.join()
    if grade.wait() != 0:
        sys.exit("bench_verdicts: assay grade ended with status %d" % grade.returncode)
    grades = [json.loads(line)["grade"] for line in b"".join(verdicts.text).splitlines()[first:last]]
    after.subtract(before)
    return sum(g in ("correct", "faster") for g in grades), last - first, wall, after, sum(before.values()), memory


# ---- one request at a time -----------------------------------------------------------------------------

class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def latencies_ms(problems, path, config):
    """From sending a request to having its verdict, after one round that is not counted."""
    with tempfile.TemporaryDirectory() as d:
        at = os.path.join(d, "socket")
        server = subprocess.Popen([ASSAY, "serve", "-p", path, "--listen", "unix:" + at, "-j", "1"]
                                  + (["--config", config] if config else []), stderr=subprocess.DEVNULL)
        try:
            for _ in range(600):
                if os.path.exists(at):
                    break
                time.sleep(0.05)
            link, took = Unix(at), []
            for k in (0, 1, 2):
                for p in problems:
                    body = '{"items":[%s],"timing":false}' % sample(p, k)
                    started = time.perf_counter()
                    link.request("POST", "/v1/grade", body, {"Content-Type": "application/json"})
                    reply = json.loads(link.getresponse().read())
                    if k:
                        took.append((time.perf_counter() - started) * 1e3)
                    if reply["verdicts"][0]["grade"] not in ("correct", "faster"):
                        sys.exit("bench_verdicts: %s is not correct over HTTP" % p["task_id"])
            return took
        finally:
            server.terminate()
            server.wait()


# ---- the report ----------------------------------------------------------------------------------------

class Report:
    def __init__(self, csv, work):
        self.csv, self.work = csv, work
        with open("/proc/cpuinfo") as f:
            model = re.search(r"^model name\s*:\s*(.*)", f.read(), re.M)
        self.machine = "%s; %d cores; Linux %s" % (model.group(1) if model else os.uname().machine,
                                                   len(os.sched_getaffinity(0)), os.uname().release)

    def say(self, figure, **values):
        print(json.dumps({"figure": figure, **{k: round(v, 3) for k, v in values.items()}}), flush=True)
        if self.csv:
            with open(self.csv, "a") as f:
                for peer, value in values.items():
                    f.write('"%s",%s,%s,%s,%.4f\n' % (self.machine, self.work, figure, peer, value))


def compare(report, problems, a, core):
    """The peers in turn; returns assay's rate on the one core."""
    os.sched_setaffinity(0, {core})
    wall, cpu, passed = ({} for _ in range(3))
    by_process, starts, memories = [], [], []
    for _ in range(a.rounds):
        rows = {"spawn": (len(problems), timed(lambda: run_spawn(problems))),
                "fork": (len(problems) * a.copies, timed(lambda: run_fork(problems, a.copies))),
                "floor": (len(problems) * a.copies, run_floor(problems, a.copies))}
        correct, n, seconds, used, start, memory = run_assay(problems, a.copies, a.path, a.config)
        rows["assay"] = n, (correct, seconds, sum(used.values()))
        by_process.append({name: s / n * 1e3 for name, s in used.items()})
        starts.append(start)
        memories.append(memory)
        for name, (n, (done, seconds, used)) in rows.items():
            wall.setdefault(name, []).append(seconds / n * 1e3)
            cpu.setdefault(name, []).append(used / n * 1e3)
            passed.setdefault(name, []).append(100 * done / n)
    middle = statistics.median
    report.say("passed_percent", **{k: middle(v) for k, v in passed.items()})
    report.say("verdicts_per_s_core", **{k: 1e3 / middle(v) for k, v in wall.items()})
    report.say("cpu_ms", **{k: middle(v) for k, v in cpu.items()})
    for name, of in (("wall", wall), ("cpu", cpu)):
        report.say("times_faster_by_" + name, **{k: middle(x / y for x, y in zip(of[k], of["assay"]))
                                                 for k in of if k != "assay"})
    report.say("over_floor_ms", assay=middle(x - y for x, y in zip(cpu["assay"], cpu["floor"])))
    report.say("cpu_ms_by_process", **{k: middle(r.get(k, 0) for r in by_process) for k in by_process[0]})
    report.say("start_cpu_ms", assay=middle(starts) * 1e3)
    report.say("memory_mib", **{k: middle(m[k] for m in memories) / 1024 for k in memories[0]})
    return 1e3 / middle(wall["assay"])


def scale(report, problems, a, cores):
    """One slot on one core, one slot and two on two cores, and two runs of one slot that share nothing, each on its
    core: what two slots can reach at best."""
    def rate(allowed, slots, copies, into):
        os.sched_setaffinity(0, allowed)  # of this thread, and so of the run
        _, n, wall, used, _, _ = run_assay(problems, copies, a.path, a.config, slots)
        into.append((n / wall, sum(used.values()) / n * 1e3))

    def together():
        took = []
        threads = [threading.Thread(target=rate, args=({core}, 1, a.copies, took)) for core in cores]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return sum(r for r, _ in took), statistics.mean(c for _, c in took)
    rates, cpu, floors = collections.defaultdict(list), collections.defaultdict(list), []
    for _ in range(a.rounds):
        floors.append(floor_on_both(problems, a.copies, cores))
        took = []
        rate({cores[0]}, 1, a.copies, took)
        rate(set(cores), 1, a.copies, took)
        rate(set(cores), 2, 2 * a.copies, took)
        for name, (r, c) in zip(("one_core", "one_slot", "two_cores", "two_runs"), took + [together()]):
            rates[name].append(r)
            cpu[name].append(c)
    middle = statistics.median

    def over_one(name):
        return middle(x / y for x, y in zip(rates[name], rates["one_core"]))
    report.say("scaling_verdicts_per_s", **{k: middle(v) for k, v in rates.items()})
    report.say("scaling_cpu_ms", **{k: middle(v) for k, v in cpu.items()})
    report.say("two_cores_over_one", floor=middle(floors), assay=over_one("two_cores"), two_runs=over_one("two_runs"))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--copies", type=int, default=8)
    ap.add_argument("--light", action="store_true")
    ap.add_argument("--config")
    ap.add_argument("--scaling", action="store_true")
    ap.add_argument("--csv")
    ap.add_argument("path")
    a = ap.parse_args()
    problems = load(a.path, a.light)
    report = Report(a.csv, "light" if a.light else "all")
    cores = sorted(os.sched_getaffinity(0))
    print("# %s; load %s" % (report.machine, os.getloadavg()[0]), flush=True)
    if not a.scaling:
        compare(report, problems, a, cores[0])
    if len(cores) > 1:
        scale(report, problems, a, cores[:2])
    if a.scaling:
        return
    os.sched_setaffinity(0, {cores[0]})
    took = sorted(latencies_ms(problems, a.path, a.config))
    report.say("request_to_verdict_ms", p50=took[len(took) // 2], p99=took[len(took) * 99 // 100])


if __name__ == "__main__":
    main()
