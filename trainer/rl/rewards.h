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
    REWARD_MATH,
    REWARD_COSINE,
    REWARD_LENGTH,
    REWARD_COUNT
};
#define REWARD_NAMES                                                                               \
    {                                                                                              \
        "grade", "format", "language", "overlong", "math", "cosine", "length"                      \
    }

/* 1 when the text is one <think> part and then one <answer> part, with nothing but space around
 * them, else 0. */
double rl_reward_format(struct str text);

/* The share of the words outside of code that are in the prompt's script (DeepSeek-R1's language
 * consistency, by script); 1 without a word. Code is what lies between ``` fences. */
double rl_reward_language(struct str prompt, struct str text);

/* DAPO's equation 13: 0 up to max - buffer tokens, then down to -1 at max and beyond. */
double rl_reward_overlong(int n_tokens, int max_tokens, int buffer);

/* 1 when the final answer of `text` is that of `solution` (math_answer.h), else 0; NaN when the
 * solution has none. */
double rl_reward_math(struct str solution, struct str text);

/* The cosine reward of Yeo et al. 2025 (arXiv 2502.03373, equation 1) with Open-R1's bounds: a right
 * completion earns 1 when it is short and .5 at max_tokens, a wrong one -1 and -.5. */
double rl_reward_cosine(int n_tokens, int max_tokens, bool right);

/* Kimi k1.5's length reward (arXiv 2501.12599, section 2.3.3), within a group whose completions have
 * `shortest` to `longest` tokens: .5 for the shortest down to -.5 for the longest, and for a wrong one
 * at most 0. All equally long: 0. */
double rl_reward_length(int n_tokens, int shortest, int longest, bool right);

#endif
