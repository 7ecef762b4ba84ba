/* judge.h: the JSON between the verifier's loop and its judge (frames of wire.h, enum wire_helper).
 *
 * SUITE  {"key": "<hex>", "suite": {
 *           "entry_point": "f" | null,
 *           "starter": "source placed before the program, and executed on the judge's side too" ,
 *           "cases":  [{"args": [...], "kwargs": {...}, "expected": any} | {"args", "raises": "TypeError"}
 *                      (with "wrapped": true the only element of `expected` is right as well; "int_keys": true: keys are numbers)
 *                      | {"call": "f((0.5,))", "returns": "[42, 0.5]"} | {"call", "raises"}],
 *           "tests":  "python source: asserts at top level and/or def check(candidate)",
 *           "stdio":  [{"stdin": "...", "stdout": "...", "points": 1, "group": "name"}],   (points and group: of cases as well)
 *           "checker": "lines" | "exact" | "tokens" | "unordered-lines" | {any of these or "float": {"ignore_case", "absolute", "relative",
 *                      "integers"}} | {"python": "def check(stdin, got, expected): ..."} | {"program", "protocol", "flags"}
 *           "stop_on_first_failure": true,   of stdio
 *           "entry_class": "Solution",       the entry point may also be a method of it
 *           "compare": {"float": 1e-9 | {"absolute", "relative"}, "sequences": "any" | "same-type", "booleans": "any", "found": true,
 *                       "python": "def accept(got, expected, *args): ..."},
 *           "limits": {"cpu_s", "wall_s", "memory_mib", "output_kib", "threads"},
 *           "timing": {"call": "f(xs)", "setup": "xs = ...", "margin": 1.1} | null,
 *           "reference": "source" | null,
 *           "derive": {"contract": "asserts", "like": "source with calls", "times": 4},   how cases without an answer get the reference's
 *           "framework": "pytest", "modules": ["solution"],   `tests` is a module of test functions, which imports the program so
 *           ... }}                                            (all of these optional)
 * JOB    {"op":"grade", "suite":"<hex>", "program":"...", "timing":true, "starter":true}
 *             starter (default true): put the suite's starter before the program; false when the program contains it already
 *        {"op":"run", "program":"...", "stdin":"...", "limits":{...}}
 *        {"op":"generate", "source":"def generate(seed, count, **params): yield {...}", "params":{...}, "name":"file:line"}
 *        {"op":"inspect", "program": reference | null, "entry_point", "prompt", "cases", "tests", "stdio", "limit": most mutants}
 * RESULT grade:    {"infra":null|"...", "lasting":true (with infra, where the problem itself is at fault), "killed":"surely"|"perhaps" (a guest
 *                   met a SIGKILL that was not ours: not, or not surely, the program's doing), "reason":null|"wrong-answer"|..., "tests":{"passed","total","failures":[{"test","call","got","expected",
 *                   "message"}], and where there is cause "groups":{name:{"passed","total"}}, "points":{"earned","total"}, "not_run"}, "time":{"cpu_ms","wall_ms","speedup":null|{"ratio","low","high","pairs","clock"}}, "memory_peak_kib",
 *                   "isolation":[...], "lint":[{"line","column","code","message"}] (CPython's own syntax error, if any)}
 *        run:      {"infra", "killed" (as above), "reason", "status": "exit 0"|"signal 9"|..., "stdout", "stderr", "time", "memory_peak_kib", "isolation"}
 *        generate: {"infra":null, "error":null|"Traceback ...", "problems":[{...}, ...]}
 *        inspect:  {"infra":null, "error":null|"...", "found": {"mutants":[{"source","line","was","now"}], "possible": edits there are,
 *                   "trivial":[{"source","what"}], "shape":null|"...", "tests", "shown", "answers_shown", "reference_shown"}}
 * A JOB may be sent ahead while the one before it is worked on; it is begun after that one's RESULT, unless WIRE_BACK was sent for it in time.
 * `entry_point` may name a method of a fresh object: "Solution.two_sum". A JOB whose suite the judge does not hold (never sent, or the
 * least recently used beyond JUDGE_SUITES_MAX) or whose suite does not compile is answered with infra.
 * In every result `infra` non-null means: our fault, no grade. At most FAILURES_MAX failures, texts cut to TEXT_BYTES_MAX. */
#ifndef ASSAY_JUDGE_H
#define ASSAY_JUDGE_H

enum { JUDGE_FAILURES_MAX = 5, JUDGE_TEXT_BYTES_MAX = 400, JUDGE_SUITES_MAX = 4096 };

#endif
