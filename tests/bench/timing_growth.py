#!/usr/bin/python3
"""Whether the exponents of a verdict (`time.complexity`) differ by what theory says, for pairs whose growth is known.

usage: timing_growth.py [--trials 3] [--load idle] [--seconds 0] [-o GROWTH.csv] ENAMEL_FOLDER

HumanEval's canonical solution is the reference, ENAMEL's the candidate; the inputs are made here, such that both have the work to do
that theory counts: no early way out. Theory is the slope of a count of steps over the logs of the very sizes that are measured, so that
n log n is not taken for n. Each trial is added to the CSV as it ends, and the same command goes on with those that are not there.
Wanted: the difference of both exponents within 0.3 of theory's. Three trials of all take some three minutes.
"""
import argparse
import math
import statistics
import sys
import time

import timing_set

COLUMNS = ["load", "task", "trial", "grade", "wall_s", "reference_theory", "candidate_theory", "reference_exponent", "exponent",
           "reference_error", "error", "gain"]
NEAR = 0.3
PRIME = """
def prime(n):
    while any(n % d == 0 for d in range(2, int(n ** 0.5) + 1)):
        n += 1
    return n

"""
FAR_APART = "xs = [float(x) for x in range(size)]; random.shuffle(xs)"


def line(n):
    return n


def line_log(n):
    return n * math.log(n)


def square(n):
    return n * n


def root(n):
    return math.sqrt(n)


# task: (what makes `calls` of `size`, the sizes, steps of the reference, steps of the candidate)
PAIRS = {
    0: (FAR_APART + "; calls = [(xs, 0.5)]", (800, 1600, 3200), square, line_log),
    10: ("calls = [(''.join(random.choices('abcdef', k=size)),)]", (8000, 16000, 32000), square, line),
    20: ("calls = [([random.random() for _ in range(size)],)]", (800, 1600, 3200), square, line_log),
    24: ("calls = [(prime(size + 200 * i),) for i in range(32)]", (40000, 120000, 360000), line, root),
    31: ("calls = [(prime(size + 200 * i),) for i in range(32)]", (40000, 120000, 360000), line, root),
    40: ("calls = [([random.randrange(1, 10 ** 6) for _ in range(size)],)]", (80, 160, 320), lambda n: math.comb(n, 3),
         lambda n: math.comb(n, 2)),
    43: ("calls = [(random.sample(range(1, 10 ** 6), size),)]", (1000, 2000, 4000), lambda n: math.comb(n, 2), line),
    49: ("calls = [(size, 101)]", (100000, 400000, 1600000), line, math.log),
    58: ("xs = random.sample(range(10 ** 9), size); ys = random.sample(xs, size); calls = [(xs, ys)]", (1500, 3000, 6000), square, line_log),
    96: ("calls = [(size,)]", (2000, 4000, 8000), lambda n: n * n / math.log(n), line),
    147: ("calls = [(size,)]", (40, 80, 160), lambda n: math.comb(n, 3), lambda n: 1),
}


def slope(sizes, steps):
    return statistics.linear_regression([math.log(n) for n in sizes], [math.log(steps(n)) for n in sizes]).slope


def study(tasks):
    """By name: the problem, the candidate, and the exponents that theory gives."""
    made = {}
    for number, (inputs, sizes, *steps) in PAIRS.items():
        task = tasks["HumanEval/%d" % number]
        setup = "import random\n" + (PRIME if "prime(" in inputs else "") + inputs
        reference, candidate = (timing_set.batch(task[which], task["entry"]) for which in ("slow", "fast"))
        problem = timing_set.problem("HumanEval/%d" % number, {"setup": "size = %d\n%s" % (sizes[0] // 8, setup)}, reference)
        problem["timing"] = {"setup": setup, "call": "timed_batch(calls)", "sizes": list(sizes)}
        made[problem["id"]] = problem, candidate, [slope(sizes, s) for s in steps]
    return made


def difference(row, of):
    return float(row["reference_" + of]) - float(row["candidate_theory" if of == "theory" else "exponent"])


def report(trials):
    """Prints the table of the medians; whether all is well."""
    lines, well = [], True
    for load in timing_set.LOADS:
        for task in map("HumanEval/%d".__mod__, PAIRS):
            rows = trials.where(load=load, task=task)
            timed = [row for row in rows if row["exponent"]]
            if not rows:
                continue
            if not timed:
                well = False
                lines.append([load, task] + ["-"] * 6 + ["none timed", "-"])
                continue
            theory = difference(timed[0], "theory")
            seen = [difference(row, "exponent") for row in timed]
            near = sum(abs(x - theory) <= NEAR for x in seen)
            well = well and near == len(rows)
            lines.append([load, task] + ["%.2f" % statistics.median(float(row[key]) for row in timed) for key in COLUMNS[5:9]]
                         + ["%.2f" % theory, "%.2f" % statistics.median(seen), "%d of %d" % (near, len(rows)),
                            "%.1f" % statistics.median(float(row["wall_s"]) for row in timed)])
    timing_set.table(["load", "task", "reference: theory", "candidate", "reference: measured", "candidate", "difference: theory",
                      "measured", "within %g" % NEAR, "wall s"], lines)
    return well


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--trials", type=int, default=3, help="of each pair")
    ap.add_argument("--load", type=timing_set.states, default=["idle"])
    ap.add_argument("--seconds", type=float, default=math.inf, help="stop then")
    ap.add_argument("-o", "--out", help="CSV of all trials")
    ap.add_argument("folder")
    a = ap.parse_args()
    trials = timing_set.Trials(a.out, COLUMNS)
    made = study(timing_set.load(a.folder))
    until = time.monotonic() + a.seconds
    with timing_set.verifier([problem for problem, _, _ in made.values()]) as grade:
        for load in a.load:
            with timing_set.load_beside(load):
                for trial, name in ((t, n) for t in range(a.trials) for n in made if not trials.where(load=load, task=n, trial=str(t))):
                    if time.monotonic() > until:
                        break
                    _, candidate, (of_reference, of_candidate) = made[name]
                    v, took = grade(name, candidate + "# %s %d\n" % (load, trial))
                    grown = (v["time"] or {}).get("complexity") or {}
                    trials.add([{"load": load, "task": name, "trial": trial, "grade": v["grade"], "wall_s": round(took, 4),
                                 "reference_theory": round(of_reference, 4), "candidate_theory": round(of_candidate, 4)}
                                | {key: grown.get(key) for key in COLUMNS[7:]}])
                    trials.progress("%s: trial %d of %s" % (load, trial + 1, name))
    trials.progress("%d trials" % len(trials.rows))
    print()
    sys.exit(not report(trials))


if __name__ == "__main__":
    main()
