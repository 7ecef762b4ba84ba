/* grade.h: what the linter and the judge found, made into a verdict. Pure: no input, no output. */
#ifndef ASSAY_GRADE_H
#define ASSAY_GRADE_H

#include <jansson.h>
#include <stdbool.h>

#include "problem.h"
#include "verifier/extract.h"
#include "verifier/reward.h"

/* False when the linter's word alone decides (not-code, wrong-language). */
bool grade_needs_judge(const json_t *lint_result);

/* The VERDICT object of client.h, keys in that order, then the item's own extra keys.
 * `lint_result` is lint.h's RESULT, NULL when the linter failed; `judge_result` is judge.h's
 * RESULT of a grade job, or NULL where none was needed. An `infra` in either gives grade and
 * reward null. New reference. */
json_t *grade_verdict(const struct problem *p, const json_t *item, int sample,
                      const struct extraction *x, const json_t *lint_result,
                      const json_t *judge_result, const struct reward *rw, bool cached);

/* The grade that a verdict carries, or -1 for null. */
int grade_of(const json_t *verdict);

#endif
