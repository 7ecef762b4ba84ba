#!/usr/bin/python3
"""How often a program that is really faster is graded `faster`, and how near its ratio comes to a long careful measurement.

usage: timing_pairs.py [--trials 5] [--careful 31] [--load idle|other|both] [--seconds 0] [--set FILE] [-o PAIRS.csv] ENAMEL_FOLDER

Pairs at least 2x apart: HumanEval's canonical solution as the reference, ENAMEL's as the candidate, where the careful ratio is 2 or more.
Pairs 1.3x apart: ENAMEL's solution against itself with three tenths of its inputs worked on twice. The careful measurement is another
program on purpose: plain forks, no jail, no judge, nothing crossing while the clock runs, `--careful` alternating pairs on fresh inputs.
It is taken right before the trials of its pair. One CSV line a trial; at the end per kind the share graded `faster`, how many ratios were
within 15 %, and what a verdict cost. Wanted: 95 % and 15 % for the first kind, 80 % for the second. All pairs take some ten minutes.
"""
import argparse
import csv
import statistics
import sys
import time

import timing_set

AGAIN = 0.3


def kinds(tasks):
    """(kind, name, task, reference, candidate)"""
    for name, task in tasks.items():
        fast = timing_set.batch(task["fast"], task["entry"])
        if task["slow_s"] >= 1.8 * task["fast_s"]:
            yield "2x", name, task, timing_set.batch(task["slow"], task["entry"]), fast
        if task["count"] >= 10:
            yield "1.3x", name, task, timing_set.batch(task["fast"], task["entry"], AGAIN), fast


def summary(kind, rows):
    off = [abs(r["ratio"] / r["careful"] - 1) for r in rows if r["ratio"]]
    won = sum(r["grade"] == "faster" for r in rows)
    print("%-5s %d of %d trials of %d pairs faster (%.1f %%); ratio within 15 %% of the careful one in %d (median off by %.1f %%); "
          "wall of a verdict: median %.0f ms" %
          (kind, won, len(rows), len({r["task"] for r in rows}), 100 * won / len(rows), sum(x <= 0.15 for x in off),
           100 * statistics.median(off), 1e3 * statistics.median(r["wall_s"] for r in rows)))
    return won / len(rows)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--trials", type=int, default=5, help="of each pair")
    ap.add_argument("--careful", type=int, default=31, help="pairs of runs of the careful measurement")
    ap.add_argument("--load", choices=("idle", "other", "both"), default="idle")
    ap.add_argument("--seconds", type=float, default=0, help="stop then (0: never)")
    ap.add_argument("--set", help="JSON file that keeps the batches from run to run (finding them takes minutes)")
    ap.add_argument("-o", "--out", help="CSV of all trials")
    ap.add_argument("folder")
    a = ap.parse_args()
    work = list(kinds(timing_set.sized_tasks(a.folder, a.set)))
    problems = [timing_set.problem("%s/%s" % (name, kind), task, reference) for kind, name, task, reference, _ in work]
    rows, began = [], time.monotonic()
    with timing_set.load_beside(a.load), timing_set.verifier(problems) as grade:
        for kind, name, task, reference, candidate in work:
            if a.seconds and time.monotonic() - began > a.seconds:
                break
            careful, slow_s, fast_s = timing_set.careful_ratio(reference, candidate, task["setup"], a.careful)
            if careful < (2 if kind == "2x" else 1.2):
                continue
            for trial in range(a.trials):
                v, took = grade("%s/%s" % (name, kind), candidate + "# %d\n" % trial)
                s = (v["time"] or {}).get("speedup") or {}
                rows.append({"load": a.load, "kind": kind, "task": name, "trial": trial, "careful": round(careful, 4),
                             "reference_ms": round(1e3 * slow_s, 3), "candidate_ms": round(1e3 * fast_s, 3), "grade": v["grade"],
                             "wall_s": round(took, 4)} | {key: s.get(key) for key in ("ratio", "low", "high", "pairs", "clock")})
    if a.out:
        with open(a.out, "w", newline="") as f:
            writer = csv.DictWriter(f, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
    shares = {kind: summary(kind, [r for r in rows if r["kind"] == kind]) for kind in sorted({r["kind"] for r in rows})}
    sys.exit(shares.get("2x", 1) < 0.95 or shares.get("1.3x", 1) < 0.8)


if __name__ == "__main__":
    main()
