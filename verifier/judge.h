/* judge.h: the JSON between the verifier's loop and its judge (frames of wire.h, enum wire_helper).
 *
 * SUITE  {"key": "<hex>", "suite": {
 *           "entry_point": "f" | null,
 *           "starter": "source placed before the program, and executed on the judge's side too" ,
 *           "cases":  [{"args": [...], "kwargs": {...}, "expected": any} | {"args", "raises": "TypeError"}
 *                      | {"call": "f((0.5,))", "returns": "[42, 0.5]"} | {"call", "raises"}],
 *           "tests":  "python source: asserts at top level and/or def check(candidate)",
 *           "stdio":  [{"stdin": "...", "stdout": "...", "points": 1}],
 *           "checker": "exact" | "tokens" | {"float": 1e-6} | "unordered-lines" | {"python": "def check(stdin, got, expected): ..."},
 *           "compare": {"float": 1e-9, "sequences": "any" | "same-type"},
 *           "limits": {"cpu_s", "wall_s", "memory_mib", "output_kib", "threads"},
 *           "timing": {"call": "f(xs)", "setup": "xs = ...", "margin": 1.1} | null,
 *           "reference": "source" | null }}
 * JOB    {"op":"grade", "suite":"<hex>", "program":"...", "timing":true, "starter":true}
 *             starter (default true): put the suite's starter before the program; false when the program contains it already
 *        {"op":"run", "program":"...", "stdin":"...", "limits":{...}}
 *        {"op":"generate", "source":"def generate(seed, count, **params): yield {...}", "params":{...}, "name":"file:line"}
 * RESULT grade:    {"infra":null|"...", "reason":null|"wrong-answer"|..., "tests":{"passed","total","failures":[{"test","call","got","expected",
 *                   "message"}]}, "time":{"cpu_ms","wall_ms","speedup":null|{"ratio","low","high","pairs","clock"}}, "memory_peak_kib",
 *                   "isolation":[...], "lint":[{"line","column","code","message"}] (CPython's own syntax error, if any)}
 *        run:      {"infra", "reason", "status": "exit 0"|"signal 9"|..., "stdout", "stderr", "time", "memory_peak_kib", "isolation"}
 *        generate: {"infra":null, "error":null|"Traceback ...", "problems":[{...}, ...]}
 * `entry_point` may name a method of a fresh object: "Solution.two_sum". A JOB whose suite the judge does not hold (never sent, or the
 * least recently used beyond JUDGE_SUITES_MAX) or whose suite does not compile is answered with infra.
 * In every result `infra` non-null means: our fault, no grade. At most FAILURES_MAX failures, texts cut to TEXT_BYTES_MAX. */
#ifndef ASSAY_JUDGE_H
#define ASSAY_JUDGE_H

enum { JUDGE_FAILURES_MAX = 5, JUDGE_TEXT_BYTES_MAX = 400, JUDGE_SUITES_MAX = 4096 };

#endif
