/* report.h: a run told to a person: report.html beside the metrics, and the before/after table for
 * the terminal.
 *
 * Reads metrics.jsonl (lines with "stage":"sft" or "grpo": step, loss, reward, pass_rate,
 * grades/NAME counts, completions/mean_length) and summary.json: held_out_problems, sft_pass_at_1,
 * grpo_pass_at_1, sft_greedy, grpo_greedy, by_ops {"2": {the same four}}, grades_before and
 * grades_after {"not-code": n, ...}, grpo_steps, seconds, verdicts, tokens, seed,
 * stages (spent.h). Every key may be missing. */
#ifndef ASSAY_REPORT_H
#define ASSAY_REPORT_H

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"

/* Writes dir/report.html from dir/metrics.jsonl and dir/summary.json. */
int report_html(const char *dir, struct err *err);
/* Appends the before/after table, the grades, and the seconds of each stage. */
void report_text(const json_t *summary, struct buf *out);

#endif
