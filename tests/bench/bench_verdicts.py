#!/usr/bin/python3
"""Verdicts per second and CPU per verdict of `assay grade` on one core, beside two baselines of the same run.

usage: bench_verdicts.py [--rounds 5] [--copies 4] [--light] [--config FILE] HumanEval.jsonl[.gz]

The work is HumanEval's canonical solutions against their own tests. Peers, one core each, taken in turn round by round:
  spawn   a fresh `python3 -I -S -` per program, no isolation: what a plain grader pays before any jail
  fork    a warm CPython forks, compiles, runs and is reaped, no isolation: the floor of one fork per verdict
  assay   build/assay grade -j 1: extraction, lint, jail, judge outside the guest, verdict
Each copy of a solution carries a different comment, so that no verdict comes from a cache. --light leaves out the four
programs that take most of all program time; --config is assay's own (what does a preloaded numpy cost?). Prints one JSON line a peer (medians over rounds), then the ratios.
"""
import argparse
import gzip
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import bisect, collections, copy, datetime, decimal, fractions, functools, hashlib, heapq, itertools  # noqa: E401,F401
import math, operator, random, re, string, typing  # noqa: E401,F401 (the warm fork has them imported, as the keeper does)

HEAVY = {"HumanEval/32", "HumanEval/36", "HumanEval/75", "HumanEval/147"}
ASSAY = os.path.join(os.environ.get("ASSAY_BUILD", "build/release"), "assay")


def load(path, light):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt") as lines:
        problems = [json.loads(line) for line in lines]
    return [p for p in problems if not (light and p["task_id"] in HEAVY)]


def program(p):
    return "%s%s\n%s\ncheck(%s)\n" % (p["prompt"], p["canonical_solution"], p["test"], p["entry_point"])


def cpu_seconds():
    own, children = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def run_spawn(problems, _):
    done = 0
    for p in problems:
        r = subprocess.run(["/usr/bin/python3", "-I", "-S", "-"], input=program(p).encode(),
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        done += r.returncode == 0
    return done


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


def run_assay(problems, copies, config):
    with tempfile.TemporaryDirectory() as d:
        samples, out = os.path.join(d, "samples.jsonl"), os.path.join(d, "verdicts.jsonl")
        with open(samples, "w") as f:
            for k in range(copies):
                for p in problems:
                    f.write(json.dumps({"task_id": p["task_id"],
                                        "completion": p["canonical_solution"] + "\n# copy %d\n" % k}) + "\n")
        started, cpu = time.perf_counter(), cpu_seconds()
        subprocess.run([ASSAY, "grade", "-p", sys.argv[-1], "-s", samples, "-o", out, "-j", "1", "--no-timing"]
                       + (["--config", config] if config else []),
                       check=True, stderr=subprocess.DEVNULL)
        spent = time.perf_counter() - started, cpu_seconds() - cpu
        with open(out) as f:
            done = sum(json.loads(line)["grade"] in ("correct", "faster") for line in f)
    return done, spent


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--copies", type=int, default=4)
    ap.add_argument("--light", action="store_true")
    ap.add_argument("--config")
    ap.add_argument("path")
    a = ap.parse_args()
    problems = load(a.path, a.light)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    peers = {"spawn": (run_spawn, 1), "fork": (run_fork, a.copies), "assay": (functools.partial(run_assay, config=a.config), a.copies)}
    rate, cost, passed = ({name: [] for name in peers} for _ in range(3))
    for _ in range(a.rounds):
        for name, (run, copies) in peers.items():
            n = len(problems) * copies
            started, cpu = time.perf_counter(), cpu_seconds()
            done = run(problems, copies)
            wall, used = time.perf_counter() - started, cpu_seconds() - cpu
            if isinstance(done, tuple):
                done, (wall, used) = done
            rate[name].append(n / wall)
            cost[name].append(used / n * 1e3)
            passed[name].append(done / copies)
    for name in peers:
        print(json.dumps({"peer": name, "programs": len(problems), "passed": statistics.median(passed[name]),
                          "verdicts_per_s_core": round(statistics.median(rate[name]), 1),
                          "cpu_ms": round(statistics.median(cost[name]), 3)}))
    for base in ("spawn", "fork"):
        by_rate = statistics.median(x / y for x, y in zip(rate["assay"], rate[base]))
        by_cpu = statistics.median(y / x for x, y in zip(cost["assay"], cost[base]))
        print(json.dumps({"assay_over": base, "by_wall": round(by_rate, 2), "by_cpu": round(by_cpu, 2)}))


if __name__ == "__main__":
    main()
