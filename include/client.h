/* client.h: the HTTP face of the verifier, as clients see it. JSON in, JSON out, over a unix socket or TCP.
 *
 * POST /v1/grade     {"items":[ITEM, ...]} or one ITEM; ITEM = {"task_id", "response" | "completion" | "solution", ...}. The answer is
 *                    {"verdicts":[VERDICT, ...]} in the same order. Extra keys of an item (such as "id") are carried through.
 *                    "timing": false in the body asks for no speed grade, "deadline_s": N for infra where there is no verdict by then,
 *                    "stream": true for lines {"item", "verdict"} as they are found. Unknown task_id: 400, nothing is graded. 429 + Retry-After when full.
 * GET  /v1/problems?source=K&offset=O&limit=L
 *                    {"total", "problems":[{"id","prompt","starter","entry_point","tags","level","demonstration"}, ...]}: what a
 *                    model may see (and, for SFT, what it may imitate); never a test. K counts the server's -p options from 0.
 * GET  /healthz      {"status":"ok","slots":N,"ready":N,"problems":N,"version"}
 * POST /v1/lint      {"text", "entry_point"?}: the linter's answer (verifier/lint.h). GET /metrics: Prometheus text.
 * POST /run_code, /submit, /list_ids, /get_prompts, /get_prompt_by_id, GET /list_datasets, /v1/ping: SandboxFusion's, for python.
 * With --token-file all but /healthz want "Authorization: Bearer TOKEN".
 * Errors: {"error": "one sentence"} with 4xx/5xx.
 *
 * VERDICT: the JSON of DESIGN §4: {"task_id","sample","grade","reward","reason","infra","tests":{"passed","total","failures":[...]},
 *  "extraction","language","lint":[...],"time":{"cpu_ms","wall_ms","speedup"},"memory_peak_kib","isolation":[...],"cached"} */
#ifndef ASSAY_CLIENT_H
#define ASSAY_CLIENT_H

#define ASSAY_GRADE_PATH    "/v1/grade"
#define ASSAY_PROBLEMS_PATH "/v1/problems"
#define ASSAY_HEALTH_PATH   "/healthz"

enum { ASSAY_ITEMS_MAX = 4096, ASSAY_BODY_BYTES_MAX = 64 << 20 };

#endif
