#include "trainer/rl/sampling.h"

struct sample_options rl_sample_options(const struct recipe_sampling *how, uint64_t seed)
{
    return (struct sample_options){
        .temperature = (float)how->temperature,
        .top_p = (float)how->top_p,
        .min_p = (float)how->min_p,
        .top_k = how->top_k,
        .repetition_penalty = (float)how->repetition_penalty,
        .max_new = how->max_new,
        .seed = seed,
        .rows_max = ROLLOUT_ROWS_MAX,
    };
}

bool rl_reached_stop(const struct tokenizer *tok, const struct recipe_strings *stops,
                     const int32_t *tokens, int n)
{
    size_t longest = 0;
    bool found = false;
    struct buf tail = {0};
    for (int i = 0; i < stops->n; i++)
        longest = strlen(stops->v[i]) > longest ? strlen(stops->v[i]) : longest;
    /* A token is a byte at least: the stop lies within that many of them. */
    int from = (size_t)n > longest ? n - (int)longest : 0;
    tok_decode(tok, tokens + from, n - from, true, &tail);
    for (int i = 0; i < stops->n && !found; i++)
        found = str_find(buf_view(&tail), str_of(stops->v[i]), 0) >= 0;
    buf_free(&tail);
    return found;
}
