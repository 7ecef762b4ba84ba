/* math_answer.h: the final answer of a worked solution, and whether two are the same. Pure: no I/O. */
#ifndef ASSAY_RL_MATH_ANSWER_H
#define ASSAY_RL_MATH_ANSWER_H

#include "base/str.h"

/* The answer in `text`: what the last \boxed{...} holds, else what follows the last "####" on its
 * line, else the last number. Thoughts (<think>...</think>) are left out; ones that do not end are
 * all there is, and hold no answer. False when there is none. *ret points into text. */
bool math_answer(struct str text, struct str *ret);

/* Numbers by value: signs, thousands commas, decimals, fractions (a/b, \frac{a}{b}), a currency sign
 * before, a full stop or percent sign after (0.5, 1/2, \frac12 and .50 are one number; 50% is 50), of up to 15 digits.
 * Anything else by its letters, without spaces. */
bool math_equal(struct str a, struct str b);

#endif
