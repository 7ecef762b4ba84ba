/* sampling.h: from a recipe's sampling keys to the sampler's options. */
#ifndef ASSAY_RL_SAMPLING_H
#define ASSAY_RL_SAMPLING_H

#include "trainer/rl/recipe.h"
#include "trainer/text/tokenizer.h"

enum { ROLLOUT_ROWS_MAX = 128 }; /* completions in flight per worker */

/* All but the two callbacks, whose context is the caller's. */
struct sample_options rl_sample_options(const struct recipe_sampling *how, uint64_t seed);

/* Whether the text of the tokens, the last of which is new, now holds one of the stops. */
bool rl_reached_stop(const struct tokenizer *tok, const struct recipe_strings *stops,
                     const int32_t *tokens, int n);

#endif
