#!/usr/bin/python3
"""How often assay's pass/fail agrees with a labelled set of completions, and every case where it does not.

usage: agreement.py [-j 2] [-o DISAGREEMENTS.jsonl] -p PROBLEMS LABELLED.jsonl[.gz]

LABELLED lines carry task_id, completion (continues the prompt) and passed (true/false); `verdict` or `result`, when there, is shown
beside a disagreement. Prints a table of assay's grade and reason against the label, then one line per disagreement.
"""
import argparse
import collections
import gzip
import json
import os
import subprocess
import sys
import tempfile

ASSAY = os.path.join(os.environ.get("ASSAY_BUILD", "build/release"), "assay")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("-p", "--problems", required=True)
    ap.add_argument("-j", default="2")
    ap.add_argument("-o", "--out", help="write the disagreements here, whole")
    ap.add_argument("labelled")
    a = ap.parse_args()
    opener = gzip.open if a.labelled.endswith(".gz") else open
    with opener(a.labelled, "rt") as lines:
        rows = [r for r in map(json.loads, lines) if r.get("passed") is not None]
    with tempfile.TemporaryDirectory() as d:
        samples, out = os.path.join(d, "samples.jsonl"), os.path.join(d, "verdicts.jsonl")
        with open(samples, "w") as f:
            for r in rows:
                f.write(json.dumps({"task_id": r["task_id"], "completion": r["completion"]}) + "\n")
        subprocess.run([ASSAY, "grade", "-p", a.problems, "-s", samples, "-o", out, "-j", a.j, "--no-timing"])
        with open(out) as f:
            verdicts = [json.loads(line) for line in f]
    if len(verdicts) != len(rows):
        sys.exit("agreement: %d samples but %d verdicts" % (len(rows), len(verdicts)))
    table, differ = collections.Counter(), []
    for r, v in zip(rows, verdicts):
        passed = v["grade"] in ("correct", "faster")
        table[(v["grade"] or "infra", v["reason"] or "-", r["passed"])] += 1
        if passed != r["passed"]:
            differ.append({"task_id": r["task_id"], "sample": r.get("sample"), "label": r.get("verdict", r.get("result")),
                           "grade": v["grade"], "reason": v["reason"], "tests": v["tests"], "completion": r["completion"]})
    for (grade, reason, label), n in sorted(table.items(), key=lambda kv: -kv[1]):
        print("%-14s %-14s label %-5s %6d" % (grade, reason, "pass" if label else "fail", n))
    print("agreement %.3f %% (%d of %d), %d disagreements" %
          (100 * (1 - len(differ) / len(rows)), len(rows) - len(differ), len(rows), len(differ)))
    for x in differ:
        print(json.dumps({k: x[k] for k in ("task_id", "sample", "label", "grade", "reason")}))
    if a.out:
        with open(a.out, "w") as f:
            f.writelines(json.dumps(x) + "\n" for x in differ)


if __name__ == "__main__":
    main()
