#!/usr/bin/python3
"""How often a program that is exactly as fast as the reference, being it, is graded `faster`. Wanted: in less than 1 % of the trials.

usage: timing_self.py [--trials 700] [--load idle,other,both] [--seconds 0] [--set FILE] [-o TRIALS.csv] ENAMEL_FOLDER

The references are HumanEval's canonical solutions and ENAMEL's expert ones, each graded against itself; a comment makes each trial
another text, so that no verdict comes from a cache. In the state `other` one core is kept busy, in `both` every core. Trials go round
the references until there are `--trials` of each state. Each is a line of the CSV as soon as it has ended; the same command goes on
where one was cut off, or `--seconds` had passed, and prints the table of all trials in the file: per state the bonuses, their share
with its 95 % upper bound (Clopper and Pearson), the ratios, and what a timed verdict costs. 2,100 trials take some ten minutes.
"""
import argparse
import math
import sys
import time

import timing_set

COLUMNS = ["load", "task", "trial", "grade", "reason", "wall_s", "ratio", "low", "high", "pairs", "clock"]


def upper_bound(k, n):
    """The largest rate that would still give k or fewer of n with a probability of 5 % (found by halving)."""
    low, high = 0.0, 1.0
    for _ in range(60):
        p = (low + high) / 2
        seen = sum(math.exp(math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * math.log(p)
                            + (n - i) * math.log1p(-p)) for i in range(k + 1))
        low, high = (p, high) if seen > 0.05 else (low, p)
    return high


def references(tasks):
    """Programs by name, and a problem for each of them that has it as its reference."""
    programs, problems = {}, []
    for name, task in tasks.items():
        for which in ("slow", "fast"):
            program = timing_set.batch(task[which], task["entry"])
            programs["%s/%s" % (name, which)] = program
            problems.append(timing_set.problem("%s/%s" % (name, which), task, program))
    return programs, problems


def run(trials, load, wanted, until, programs, grade):
    names = sorted(programs)
    with timing_set.load_beside(load):
        for trial in range(len(trials.where(load=load)), wanted):
            if time.monotonic() > until:
                break
            name = names[trial % len(names)]
            v, took = grade(name, programs[name] + "# %s %d\n" % (load, trial))
            s = (v["time"] or {}).get("speedup") or {}
            trials.add([{"load": load, "task": name, "trial": trial, "grade": v["grade"], "reason": v["reason"], "wall_s": round(took, 4)}
                        | {key: s.get(key) for key in ("ratio", "low", "high", "pairs", "clock")}])
            trials.progress("%s: %d of %d, %d bonuses" % (load, trial + 1, wanted, len(trials.where(load=load, grade="faster"))))


def report(trials):
    """Prints the table; whether all is well."""
    lines, well = [], True
    for load in timing_set.LOADS:
        rows = trials.where(load=load)
        if not rows:
            continue
        n, won = len(rows), sum(r["grade"] == "faster" for r in rows)
        odd = sum(r["grade"] not in ("correct", "faster") for r in rows)
        ratio, pairs, wall = (timing_set.numbers(rows, key) for key in ("ratio", "pairs", "wall_s"))
        well = well and won < 0.01 * n and odd == 0
        lines.append([load, n, len({r["task"] for r in rows}), won, "%.2f %%" % (100 * won / n), "%.2f %%" % (100 * upper_bound(won, n)),
                      odd, n - len(ratio) - odd] + ["%.3f" % timing_set.quantile(ratio, q) for q in (0.05, 0.5, 0.95)]
                     + ["%d" % timing_set.quantile(pairs, 0.5)] + ["%.0f" % (1e3 * timing_set.quantile(wall, q)) for q in (0.5, 0.95)])
    timing_set.table(["load", "trials", "references", "bonuses", "share", "at most", "odd", "untimed", "ratio 5 %", "50 %", "95 %",
                      "pairs", "wall ms 50 %", "95 %"], lines)
    return well


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--trials", type=int, default=700, help="of each state")
    ap.add_argument("--load", type=timing_set.states, default=list(timing_set.LOADS))
    ap.add_argument("--set", help="JSON file that keeps the batches from run to run (finding them takes minutes)")
    ap.add_argument("--seconds", type=float, default=math.inf, help="stop then")
    ap.add_argument("-o", "--out", help="CSV of all trials")
    ap.add_argument("folder")
    a = ap.parse_args()
    trials = timing_set.Trials(a.out, COLUMNS)
    programs, problems = references(timing_set.sized_tasks(a.folder, a.set))
    until = time.monotonic() + a.seconds
    with timing_set.verifier(problems) as grade:
        for load in a.load:
            run(trials, load, a.trials, until, programs, grade)
    trials.progress("%d trials" % len(trials.rows))
    print()
    for r in trials.rows:
        if r["grade"] != "correct":
            print(r)
    sys.exit(not report(trials))


if __name__ == "__main__":
    main()
