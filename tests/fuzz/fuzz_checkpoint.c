/* Any bytes as the state.json of a checkpoint: refused with a message, or a place in the recipe to go on from. */
#include "trainer/rl/checkpoint.c"

#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct recipe_stage stages[2] = {{.kind = STAGE_SFT}, {.kind = STAGE_GRPO}};
    struct recipe recipe = {.stages = stages, .n_stages = 2};
    struct rl_run run = {.recipe = &recipe};
    struct checkpoint c = {0};
    struct err err = {0};
    struct memory_file f = memory_file_make(data, size);
    if (read_state(&run, f.path, &c, &err) == 0) {
        CHECK(c.stage >= 0 && c.stage <= recipe.n_stages && c.at.step >= 0 && c.metrics_bytes >= 0);
        CHECK(c.at.step == 0 || c.stage < recipe.n_stages);
    } else {
        CHECK(err.code < 0 && err.text[0]);
    }
    checkpoint_free(&c);
    close(f.fd);
    return 0;
}
