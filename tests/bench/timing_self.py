#!/usr/bin/python3
"""How often a program that is exactly as fast as the reference, being it, is graded `faster`. Wanted: in less than 1 % of the trials.

usage: timing_self.py [--trials 2000] [--load idle|other|both] [--seconds 0] [--set FILE] [-o TRIALS.csv] ENAMEL_FOLDER

The references are HumanEval's canonical solutions and ENAMEL's expert ones, each graded against itself; a comment makes each trial
another text, so that no verdict comes from a cache. `--load other` keeps one core busy, `both` every core. Trials go round the tasks
until there are `--trials` of them, or `--seconds` have passed. One CSV line a trial; at the end the share of bonuses, with a 95 %
upper bound (Clopper and Pearson), and the cost of a timed verdict. 2,000 trials take some five minutes on an idle core.
"""
import argparse
import csv
import math
import statistics
import sys
import time

import timing_set


def upper_bound(k, n):
    """The largest rate that would still give k or fewer of n with a probability of 5 % (found by halving)."""
    low, high = 0.0, 1.0
    for _ in range(60):
        p = (low + high) / 2
        seen = sum(math.exp(math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * math.log(p)
                            + (n - i) * math.log1p(-p)) for i in range(k + 1))
        low, high = (p, high) if seen > 0.05 else (low, p)
    return high


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--trials", type=int, default=2000)
    ap.add_argument("--load", choices=("idle", "other", "both"), default="idle")
    ap.add_argument("--set", help="JSON file that keeps the batches from run to run (finding them takes minutes)")
    ap.add_argument("--seconds", type=float, default=0, help="stop then (0: never)")
    ap.add_argument("-o", "--out", help="CSV of all trials")
    ap.add_argument("folder")
    a = ap.parse_args()
    programs, problems = {}, []
    for name, task in timing_set.sized_tasks(a.folder, a.set).items():
        for which in ("slow", "fast"):
            program = timing_set.batch(task[which], task["entry"])
            programs["%s/%s" % (name, which)] = program
            problems.append(timing_set.problem("%s/%s" % (name, which), task, program))
    print("%d references" % len(programs), flush=True)
    names, rows, began = sorted(programs), [], time.monotonic()
    with timing_set.load_beside(a.load), timing_set.verifier(problems) as grade:
        for trial in range(a.trials):
            if a.seconds and time.monotonic() - began > a.seconds:
                break
            name = names[trial % len(names)]
            v, took = grade(name, programs[name] + "# %d\n" % trial)
            s = (v["time"] or {}).get("speedup") or {}
            rows.append({"load": a.load, "task": name, "trial": trial, "grade": v["grade"], "reason": v["reason"], "wall_s": round(took, 4)}
                        | {key: s.get(key) for key in ("ratio", "low", "high", "pairs", "clock")})
    if a.out:
        with open(a.out, "w", newline="") as f:
            writer = csv.DictWriter(f, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
    n, k = len(rows), sum(r["grade"] == "faster" for r in rows)
    odd = [r for r in rows if r["grade"] not in ("correct", "faster")]
    timed = [r for r in rows if r["ratio"]]
    print("load %s: %d of %d trials got a bonus, %.2f %% (at most %.2f %% by the 95 %% bound); %d graded otherwise, %d not timed" %
          (a.load, k, n, 100 * k / n, 100 * upper_bound(k, n), len(odd), n - len(timed) - len(odd)))
    print("ratio: median %.3f, middle 90 %% %.3f to %.3f; pairs: median %d, most %d; wall of a verdict: median %.0f ms, most %.0f ms" %
          (statistics.median(r["ratio"] for r in timed), *(sorted(r["ratio"] for r in timed)[int(q * len(timed))] for q in (0.05, 0.95)),
           statistics.median(r["pairs"] for r in timed), max(r["pairs"] for r in timed),
           1e3 * statistics.median(r["wall_s"] for r in rows), 1e3 * max(r["wall_s"] for r in rows)))
    for r in rows:
        if r["grade"] != "correct":
            print(r)
    sys.exit(k >= 0.01 * n or len(odd) > 0)


if __name__ == "__main__":
    main()
