/* reward.h: from a grade to a number. Strictly ordered by grade: no table in which failing more
 * tests, or writing prose, can pay better than a correct program is accepted. */
#ifndef ASSAY_REWARD_H
#define ASSAY_REWARD_H

#include "base/err.h"
#include "verdict.h"

struct reward {
    double not_code;
    double wrong_language;
    double fails_base, fails_scale; /* base + scale * passed / total */
    double correct;
    double faster_base, faster_scale, faster_max; /* base + min(max, scale * log2(low) + */
    double faster_growth;                         /*                 growth * gain) */
};

#define REWARD_DEFAULT                                                                             \
    ((struct reward){.not_code = 0,                                                                \
                     .wrong_language = 0.05,                                                       \
                     .fails_base = 0.1,                                                            \
                     .fails_scale = 0.4,                                                           \
                     .correct = 1,                                                                 \
                     .faster_base = 1,                                                             \
                     .faster_scale = 0.25,                                                         \
                     .faster_max = 0.5,                                                            \
                     .faster_growth = 0})

/* Reads a YAML file over the defaults: not_code, wrong_language, fails_tests: {base, scale},
 * correct, faster: {base, scale, max, growth}. -EINVAL when the result is not strictly ordered by grade. */
int reward_load(const char *path, struct reward *ret, struct err *err);

/* `passed` of `total` tests, or points, matters for fails-tests, for faster `low`, the low end of the
 * speed-up's interval, and `gain`, by how much less the exponent of the cost is (timing.h). */
double reward_of(const struct reward *rw, enum grade grade, double passed, double total, double low,
                 double gain);

#endif
