/* memory.h: what a step of training takes, before it is tried. */
#ifndef ASSAY_RL_MEMORY_H
#define ASSAY_RL_MEMORY_H

#include "trainer/model/model.h"

struct memory_plan {
    int workers;
    int prompts, group, prompt_tokens, max_new; /* of one GRPO step */
    int tokens_per_batch;
};

/* Bytes. */
struct memory {
    size_t weights;
    struct sample_memory sample;
    size_t adapter;     /* 0 without */
    size_t optimizer;   /* gradients of each worker, two moments */
    size_t reference;   /* what a KL term adds */
    size_t activations; /* of each worker's largest micro-batch */
};

/* m's params are not read; with m->lora it alone is trained. */
struct memory memory_of(const struct model *m, const struct memory_plan *p);

/* Everything at its highest: the learner keeps its activations while the next step is sampled. */
size_t memory_grpo(const struct memory *m);

#endif
