#include "trainer/rl/memory.h"

#include "trainer/model/lora.h"
#include "trainer/rl/sampling.h"

/* The largest micro-batch of a worker's share, as the learner cuts it: completions of one prompt
 * share its tokens, and a completion's last token is never an input. */
static size_t largest_batch(const struct model *m, const struct memory_plan *p)
{
    const int alone = p->prompt_tokens + p->max_new - 1, more = p->max_new;
    const long sequences = ((long)p->prompts * p->group + p->workers - 1) / p->workers;
    int tokens = 0, rows = 0, tokens_max = 0, rows_max = 0;
    for (long i = 0; i < sequences && tokens_max + more <= p->tokens_per_batch; i++) {
        const int wants = i % p->group ? more : alone;
        if (tokens + wants > p->tokens_per_batch)
            tokens = rows = 0;
        tokens += rows ? wants : alone;
        rows += p->max_new;
        tokens_max = tokens > tokens_max ? tokens : tokens_max;
        rows_max = rows > rows_max ? rows : rows_max;
    }
    return model_run_bytes(m, tokens_max, rows_max, alone);
}

struct memory memory_of(const struct model *m, const struct memory_plan *p)
{
    const size_t trained = sizeof(float) * model_trained(m).n;
    return (struct memory){
        .weights = sizeof(float) * m->n_params,
        .sample = sample_memory(m, p->workers, ROLLOUT_ROWS_MAX, p->prompts, p->group,
                                p->prompt_tokens, p->max_new),
        .adapter = m->lora ? trained : 0,
        .optimizer = trained * (size_t)(p->workers + 2),
        .reference = trained,
        .activations = (size_t)p->workers * largest_batch(m, p),
    };
}

size_t memory_grpo(const struct memory *m)
{
    return m->weights + m->sample.packed + m->sample.cache + m->sample.buffers + m->adapter +
           m->optimizer + m->activations;
}
