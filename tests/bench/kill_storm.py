#!/usr/bin/env python3
"""Grades the same jobs twice, undisturbed and while somebody kills the verifier's processes, and compares the verdicts.

    python3 tests/bench/kill_storm.py [--jobs 20000] [--every-ms 50] [--slots 2] [--seed 1] [--build build/release]

A kill takes a kind of process first (judge, keeper, the keeper's parent, linter, guest), each as likely as the others,
then one of that kind that lives, and sends it SIGKILL. The times between kills are exponential. Guests live for some
milliseconds: the killer looks for one until it has found one. What a verdict says of time and memory is left out of
the comparison.

Exit status 0: no verdict is lost, other than in the undisturbed run, or infra."""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

PROBLEMS = """\
id: add
prompt: Add two numbers.
entry_point: add
cases:
  - {args: [1, 2], expected: 3}
  - {call: "add(10**30, 1)", returns: "10**30 + 1"}
tests: |
  for n in range(30):
      assert add(n, n * n) == n + n * n
limits: {cpu_s: 0.1, wall_s: 2, memory_mib: 128}
---
id: double
prompt: Print twice the number that is read.
stdio:
  - {stdin: "1\\n", stdout: "2\\n"}
  - {stdin: "21\\n", stdout: "42\\n"}
  - {stdin: "-4\\n", stdout: "-8\\n"}
limits: {cpu_s: 0.5, wall_s: 2, memory_mib: 128}
"""

# task, the field of the sample, its text
JOBS = [
    ("add", "solution", "def add(a, b):  # {}\n    return a + b\n"),
    ("add", "solution", "def add(a, b):  # {}\n    return b + a\n"),
    ("add", "solution", "def add(a, b):  # {}\n    return a - b\n"),
    ("add", "solution", "def add(a, b):  # {}\n    return [a + b for _ in range(9)][8]\n"),
    ("add", "solution", "def add(a, b):  # {}\n    return a +\n"),
    ("add", "solution", "def add(a, b):  # {}\n    raise ValueError\n"),
    ("add", "solution", "import os\ndef add(a, b):  # {}\n    os._exit(0)\n"),
    ("add", "solution", "import os\ndef add(a, b):  # {}\n    os.abort()\n"),
    ("add", "solution", "import time\ndef add(a, b):  # {}\n    time.sleep(.002)\n    return a + b\n"),
    ("add", "solution", "def add(a, b):  # {}\n    while a == 5 and b == 25: pass\n    return a + b\n"),
    ("add", "solution", "import os\nos.closerange(3, 9)\ndef add(a, b):  # {}\n    return a + b\n"),
    ("add", "solution", "def add(a, b):  # {}\n    return [0] * 10**9\n"),
    ("add", "response", "To add them, begin with number {} and count on from there."),
    ("add", "response", "```python\ndef add(a, b):  # {}\n    return a + b\n```\n"),
    ("add", "solution", "function add(a, b) {{ return a + b + {}; }}\nconsole.log(add(1, 2));\n"),
    ("double", "solution", "# {}\nprint(int(input()) * 2)\n"),
    ("double", "solution", "# {}\nprint(abs(int(input())) * 2)\n"),
]
COMPARED = ("task_id", "sample", "grade", "reward", "reason", "infra", "tests", "extraction", "language", "lint")


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(p) for p in f.read().split()]
    except OSError:
        return []


def name(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return ""


class Killer(threading.Thread):
    """Kills processes below `root` until it is told to stop."""

    def __init__(self, root, every_s, seed):
        super().__init__(daemon=True)
        self.root, self.every_s = root, every_s
        self.random = random.Random(seed)
        self.kills = {}
        self.over = threading.Event()

    def living(self):
        kinds = {"judge": [], "linter": [], "parent": [], "keeper": [], "guest": []}
        for pid in children(self.root):
            kind = name(pid)
            if kind == "assay-judge":
                kinds["judge"].append(pid)
            elif kind == "assay-lint":
                kinds["linter"].append(pid)
            elif kind == "assay-keeper":
                kinds["parent"].append(pid)
                for keeper in children(pid):
                    kinds["keeper"].append(keeper)
                    kinds["guest"] += children(keeper)
        return kinds

    def run(self):
        while not self.over.wait(self.random.expovariate(1 / self.every_s)):
            kind = self.random.choice(["judge", "linter", "parent", "keeper", "guest"])
            alive = self.living()[kind]
            until = time.monotonic() + 2 * self.every_s
            while not alive and time.monotonic() < until and not self.over.is_set():
                alive = self.living()[kind]
            if not alive:
                continue
            try:
                os.kill(self.random.choice(alive), signal.SIGKILL)
                self.kills[kind] = self.kills.get(kind, 0) + 1
            except ProcessLookupError:
                pass


def grade(options, folder, out, seed=None):
    """The verdicts, the seconds it took, and the kills by kind."""
    command = [os.path.join(options.build, "assay"), "grade", "-p", f"{folder}/problems.yaml", "-s",
               f"{folder}/samples.jsonl", "-o", f"{folder}/{out}", "-j", str(options.slots), "--no-timing"]
    start = time.monotonic()
    with open(f"{folder}/{out}.log", "w") as log:
        run = subprocess.Popen(command, stderr=log)
        killer = Killer(run.pid, options.every_ms / 1000, seed)
        if seed is not None:
            killer.start()
        status = run.wait()
        killer.over.set()
    seconds = time.monotonic() - start
    if seed is not None:
        killer.join()
    if status not in (0, 1):
        sys.exit(f"assay grade: exit status {status}\n" + open(f"{folder}/{out}.log").read())
    with open(f"{folder}/{out}") as f:
        return [json.loads(line) for line in f], seconds, killer.kills


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=20000)
    parser.add_argument("--every-ms", type=float, default=50)
    parser.add_argument("--every-jobs", type=float, help="a kill in the time that so many undisturbed jobs take")
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", default=os.environ.get("ASSAY_BUILD", "build/release"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assay-storm-") as folder:
        with open(f"{folder}/problems.yaml", "w") as f:
            f.write(PROBLEMS)
        with open(f"{folder}/samples.jsonl", "w") as f:
            for i in range(options.jobs):
                task, field, text = JOBS[i % len(JOBS)]
                f.write(json.dumps({"task_id": task, field: text.format(i)}) + "\n")
        calm, calm_s, _ = grade(options, folder, "calm")
        if options.every_jobs:
            options.every_ms = 1000 * options.every_jobs * calm_s / options.jobs
        storm, storm_s, kills = grade(options, folder, "storm", options.seed)
    few = [[{key: v[key] for key in COMPARED} for v in verdicts] for verdicts in (calm, storm)]
    infra = [v for v in storm if v["infra"]]
    wrong = [(a, b) for a, b in zip(*few) if a != b and not b["infra"]]
    for v in infra[:5]:
        print(f"# infra: {v['task_id']} {v['sample']}: {v['infra']}")
    for a, b in wrong[:5]:
        print(f"# wrong: {json.dumps(b)}\n# calm:  {json.dumps(a)}")
    print(f"{options.jobs} jobs on {options.slots} slots, undisturbed {calm_s:.1f} s, "
          f"with {sum(kills.values())} kills ({', '.join(f'{k} {n}' for k, n in sorted(kills.items()))}), one every "
          f"{1000 * storm_s / max(1, sum(kills.values())):.0f} ms, {storm_s:.1f} s")
    print(f"lost {options.jobs - len(storm)}, wrong {len(wrong)}, infra {len(infra)}")
    return 0 if len(storm) == len(calm) == options.jobs and not wrong and not infra else 1


if __name__ == "__main__":
    sys.exit(main())
