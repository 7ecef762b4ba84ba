/* spent.h: where the time of a run went, told by its metrics. */
#ifndef ASSAY_RL_SPENT_H
#define ASSAY_RL_SPENT_H

#include <jansson.h>

/* `lines` of metrics.jsonl -> a new array, an object for each stage that has one, in order: "stage" (sft, grpo, or
 * an evaluation's name), "steps" (sft, grpo), "seconds", and what those seconds were spent on, as far as the
 * stage's lines tell: "sample", "grade_wait" (for verdicts, when nothing was left to sample), "update"; "idle" is the
 * part of them that an average worker waited for another, "cpu" the processor time of the trainer alone. */
json_t *spent_by_stage(const json_t *lines);

#endif
