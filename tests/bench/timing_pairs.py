#!/usr/bin/python3
"""How often a program that is really faster is graded `faster`, and how near its ratio comes to a long careful measurement.

usage: timing_pairs.py [--trials 5] [--careful 40] [--load idle] [--seconds 0] [--set FILE] [-o PAIRS.csv] ENAMEL_FOLDER

Pairs at least 2x apart: HumanEval's canonical solution as the reference, ENAMEL's as the candidate, where the careful ratio is 2 or more.
Pairs 1.3x apart: ENAMEL's solution against itself with three tenths of its inputs worked on twice. The careful measurement is another
program on purpose: a warm process that neither forks nor hands values over, `--careful` alternating runs of both on fresh inputs, in turn
with the trials, so that both see the same machine; and as many again, up to four times, until the ratios of its two halves agree within
5 %. Each pair is added to the CSV when it is done; the same command goes on with those that are not there, and prints the table of all:
per state and kind the share graded `faster`, how many ratios were within 15 %, what a verdict cost, how many pairs' careful measurement
repeats; and each pair with a ratio that was farther off. Wanted: 95 % `faster` and 95 % within 15 % for the first kind, 80 % `faster` for
the second. A state takes some five minutes.
"""
import argparse
import math
import statistics
import sys
import time

import timing_set

AGAIN = 0.3
NEAR, REPEATS = 0.15, 0.05
COLUMNS = ["load", "kind", "task", "trial", "careful", "calls", "halves", "runs", "reference_ms", "candidate_ms", "grade", "wall_s",
           "ratio", "low", "high", "pairs", "clock"]


def kinds(tasks):
    """(kind, name, task, reference, candidate)"""
    for name, task in tasks.items():
        fast = timing_set.batch(task["fast"], task["entry"])
        if task["slow_s"] >= 1.8 * task["fast_s"]:
            yield "2x", name, task, timing_set.batch(task["slow"], task["entry"]), fast
        if task["count"] >= 10:
            yield "1.3x", name, task, timing_set.batch(task["fast"], task["entry"], AGAIN), fast


def measure(load, kind, name, task, programs, count, careful_runs, grade):
    """The trials of one pair, among which its careful measurement is dealt out. `calls` is the careful ratio without loading."""
    careful, rows = timing_set.Careful(*programs, task["setup"]), []
    for trial in range(count):
        careful.run((trial + 1) * careful_runs // count - len(careful.taken))
        v, took = grade("%s/%s" % (name, kind), programs[1] + "# %s %d\n" % (load, trial))
        s = (v["time"] or {}).get("speedup") or {}
        rows.append({"load": load, "kind": kind, "task": name, "trial": trial, "grade": v["grade"], "wall_s": round(took, 4)}
                    | {key: s.get(key) for key in ("ratio", "low", "high", "pairs", "clock")})
    while careful.halves() > REPEATS and len(careful.taken) < 4 * careful_runs:
        careful.run(careful_runs)
    slow_s, fast_s = careful.seconds()
    known = {"careful": round(careful.ratio(), 4), "calls": round(careful.ratio(1), 4), "halves": round(careful.halves(), 4),
             "runs": len(careful.taken), "reference_ms": round(1e3 * slow_s, 3), "candidate_ms": round(1e3 * fast_s, 3)}
    return [row | known for row in rows]


def off(row):
    """The log of the trial's ratio over the careful one."""
    return math.log(float(row["ratio"]) / float(row["careful"]))


def near(row):
    return abs(math.exp(off(row)) - 1) <= NEAR


def report(trials):
    """Prints the table and the pairs that are off; whether all is well."""
    lines, far, well = [], [], True
    for load, kind, least in ((load, *kind) for load in timing_set.LOADS for kind in (("1.3x", 1.2), ("2x", 2))):
        rows = [r for r in trials.where(load=load, kind=kind) if float(r["careful"]) >= least]
        if not rows:
            continue
        timed = [r for r in rows if r["ratio"]]
        offs = sorted(map(off, timed))
        tasks = {r["task"]: r for r in rows}
        won, close = sum(r["grade"] == "faster" for r in rows), sum(map(near, timed))
        well = well and (min(won, close) >= 0.95 * len(rows) if kind == "2x" else won >= 0.8 * len(rows))
        wall = timing_set.numbers(rows, "wall_s")
        lines.append([load, kind, len(tasks), len(rows), won, "%.1f %%" % (100 * won / len(rows)), close,
                      "%.1f %%" % (100 * statistics.median(map(abs, offs))), "%+.1f %%" % (100 * statistics.median(offs)),
                      "%d" % timing_set.quantile(timing_set.numbers(rows, "pairs"), 0.5)]
                     + ["%.0f" % (1e3 * timing_set.quantile(wall, q)) for q in (0.5, 0.95)]
                     + [sum(float(r["halves"]) <= REPEATS for r in tasks.values())])
        for task, r in tasks.items():
            of = [t for t in timed if t["task"] == task]
            if not all(map(near, of)):
                far.append([load, kind, task, sum(map(near, of)), len(of), r["careful"], r["calls"], r["halves"], r["reference_ms"],
                            r["candidate_ms"], " ".join("%.2f" % float(t["ratio"]) for t in of)])
    timing_set.table(["load", "kind", "pairs", "trials", "faster", "share", "within 15 %", "off by", "to", "runs", "wall ms 50 %",
                      "95 %", "careful repeats"], lines)
    if far:
        print("\nPairs with a ratio farther off:")
        timing_set.table(["load", "kind", "task", "within", "of", "careful", "calls", "halves", "reference ms", "candidate ms", "ratios"], far)
    return well


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--trials", type=int, default=5, help="of each pair")
    ap.add_argument("--careful", type=int, default=40, help="pairs of runs of the careful measurement")
    ap.add_argument("--load", type=timing_set.states, default=["idle"])
    ap.add_argument("--seconds", type=float, default=math.inf, help="stop then")
    ap.add_argument("--set", help="JSON file that keeps the batches from run to run (finding them takes minutes)")
    ap.add_argument("-o", "--out", help="CSV of all trials")
    ap.add_argument("folder")
    a = ap.parse_args()
    trials = timing_set.Trials(a.out, COLUMNS)
    work = list(kinds(timing_set.sized_tasks(a.folder, a.set)))
    problems = [timing_set.problem("%s/%s" % (name, kind), task, reference) for kind, name, task, reference, _ in work]
    until = time.monotonic() + a.seconds
    with timing_set.verifier(problems) as grade:
        for load in a.load:
            with timing_set.load_beside(load):
                for done, (kind, name, task, *programs) in enumerate(work):
                    if time.monotonic() < until and not trials.where(load=load, kind=kind, task=name):
                        trials.add(measure(load, kind, name, task, programs, a.trials, a.careful, grade))
                        trials.progress("%s: pair %d of %d" % (load, done + 1, len(work)))
    trials.progress("%d trials" % len(trials.rows))
    print()
    sys.exit(not report(trials))


if __name__ == "__main__":
    main()
