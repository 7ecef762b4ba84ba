/* rewards.h: what a completion can be rewarded for beside its grade. Pure: no I/O.
 *
 * A recipe gives each a weight (0: off). Their sum, or in the other aggregation each by itself, is
 * what advantages are made from. */
#ifndef ASSAY_RL_REWARDS_H
#define ASSAY_RL_REWARDS_H

#include "base/str.h"

enum reward_part {
    REWARD_GRADE, /* the verifier's; NaN when it failed */
    REWARD_FORMAT,
    REWARD_LANGUAGE,
    REWARD_OVERLONG,
    REWARD_COUNT
};
#define REWARD_NAMES                                                                               \
    {                                                                                              \
        "grade", "format", "language", "overlong"                                                  \
    }

/* 1 when the text is one <think> part and then one <answer> part, with nothing but space around
 * them, else 0. */
double rl_reward_format(struct str text);

/* The share of the words outside of code that are in the prompt's script (DeepSeek-R1's language
 * consistency, by script); 1 without a word. Code is what lies between ``` fences. */
double rl_reward_language(struct str prompt, struct str text);

/* DAPO's equation 13: 0 up to max - buffer tokens, then down to -1 at max and beyond. */
double rl_reward_overlong(int n_tokens, int max_tokens, int buffer);

#endif
