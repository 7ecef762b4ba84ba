#include "trainer/rl/verifiers.h"

#include <stdlib.h>

#include "base/check.h"
#include "trainer/rl/run.h"
#include "trainer/rl/world.h"

struct verifier_seen {
    bool gone;
    int64_t infra;
};

/* One for each of the recipe's. */
static struct verifier_seen *seen_of(struct rl_run *run)
{
    if (!run->verifiers)
        run->verifiers = xcalloc((size_t)run->recipe->verifier_urls.n, sizeof *run->verifiers);
    return run->verifiers;
}

void verifiers_look(struct rl_run *run)
{
    struct client_server s;
    for (int i = 0; i < run->recipe->verifier_urls.n && client_server(run->client, i, &s); i++) {
        struct verifier_seen *seen = &seen_of(run)[i];
        const bool gone = !s.up && s.refusals > 0;
        if (gone != seen->gone && run->progress)
            progress_note(run->progress,
                          gone ? "verifier %s is gone: others get its work" : "verifier %s is back",
                          s.url);
        seen->gone = gone;
    }
}

void verifiers_metrics(struct rl_run *run, json_t *line)
{
    const int n = run->recipe->verifier_urls.n;
    if (!n)
        return;
    int64_t *mine = xcalloc((size_t)n, sizeof *mine),
            *all = xcalloc((size_t)n * (size_t)world_size(), sizeof *all);
    struct client_server s;
    for (int i = 0; i < n && client_server(run->client, i, &s); i++) {
        mine[i] = s.infra - seen_of(run)[i].infra;
        seen_of(run)[i].infra = s.infra;
    }
    world_gather(mine, (size_t)n * sizeof *mine, all);
    for (int i = 0; i < n; i++) {
        struct buf key = {0};
        json_int_t sum = 0;
        for (int r = 0; r < world_size(); r++)
            sum += all[r * n + i];
        buf_printf(&key, "verifiers/%s/infra", run->recipe->verifier_urls.v[i]);
        json_object_set_new(line, key.s, json_integer(sum));
        buf_free(&key);
    }
    free(mine);
    free(all);
}

void verifiers_free(struct rl_run *run)
{
    free(run->verifiers);
    run->verifiers = NULL;
}
