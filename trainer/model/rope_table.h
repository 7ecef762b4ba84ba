/* rope_table.h: the table of rotations of a model. */
#ifndef ASSAY_ROPE_TABLE_H
#define ASSAY_ROPE_TABLE_H

#include "trainer/kernels/kernels.h"
#include "trainer/model/model.h"

/* At least `positions` long; none for a model with learned positions. */
static inline void model__rope(const struct model_config *c, int positions, struct nn_rope *rope)
{
    const struct nn_rope_scaling s = {
        .factor = c->rope.factor,
        .low_factor = c->rope.low_factor,
        .high_factor = c->rope.high_factor,
        .original = c->rope.kind == ROPE_LLAMA3 ? c->rope.original_positions : 0,
    };
    if (!c->learned_positions)
        nn_rope_reserve(rope, c->head_dim, c->rope_theta, c->rope.kind == ROPE_PLAIN ? NULL : &s,
                        positions);
}

#endif
