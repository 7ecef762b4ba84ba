#!/bin/sh
# bench.sh: every figure assay quotes, each beside its baseline from the same run. HUMANEVAL=file names the HumanEval problems;
# CSV=file is where the verdicts' figures are appended, with the machine (default: tests/bench/results/verdicts.csv, not in git).
set -eu
export ASSAY_BUILD="${ASSAY_BUILD:-build/release}"
humaneval=${HUMANEVAL:-../shared/data/humaneval/HumanEval.jsonl.gz}
csv=${CSV:-tests/bench/results/verdicts.csv}

echo "# machine: $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), kernel $(uname -r), load $(cut -d' ' -f1 /proc/loadavg)"
if [ -e "$humaneval" ]; then
    mkdir -p "$(dirname "$csv")"
    echo "# verdicts, HumanEval's 164"
    /usr/bin/python3 tests/bench/bench_verdicts.py --csv "$csv" "$humaneval"
    echo "# verdicts, the 160 light ones"
    /usr/bin/python3 tests/bench/bench_verdicts.py --csv "$csv" --light "$humaneval"
else
    echo "# verdicts: skipped, no HumanEval at $humaneval (set HUMANEVAL=file)"
fi
echo "# the jail, per guest"
"$ASSAY_BUILD/tests/bench/bench_jail"
echo "# trainer, one core, beside PyTorch"
/usr/bin/python3 tests/bench/bench_torch.py --quick s5 s15 g5 g11
echo "# trainer, two workers to one (wall time: wants an idle machine)"
/usr/bin/python3 tests/bench/bench_torch.py --quick --workers s5
