/* generate.c: problem families are trusted Python, but Python all the same: a judge runs them. The
 * private loop is run until the answer is there, which makes the callback that problems_add wants
 * an ordinary function. */
#include "generate.h"

#include <uv.h>

#include "base/check.h"
#include "pool.h"

enum { GENERATE_MS_MAX = 300000 };

struct generator {
    bool open;
    uv_loop_t loop;
    struct pool *judges;
    struct task task;
    json_t *result;
    char infra[256];
};

static void on_done(struct task *t, json_t *result, const char *infra)
{
    struct generator *g = NODE_OWNER(t, struct generator, task);
    g->result = result;
    snprintf(g->infra, sizeof g->infra, "%s", infra ? infra : "");
    uv_stop(&g->loop);
}

static json_t *generate(void *ctx, const char *name, const char *source, json_t *params,
                        struct err *err)
{
    struct generator *g = ctx;
    if (!g->open) {
        CHECK(uv_loop_init(&g->loop) == 0);
        g->judges = pool_start(&g->loop, POOL_JUDGE, 1, 0);
        g->open = true;
    }
    json_t *question = json_pack("{s:s, s:s, s:s, s:O}", "op", "generate", "name", name, "source",
                                 source, "params", params);
    if (!question) {
        err_set(err, -EINVAL, "the generator is not valid UTF-8");
        return NULL;
    }
    g->task = (struct task){.question = question, .limit_ms = GENERATE_MS_MAX, .done = on_done};
    pool_submit(g->judges, &g->task);
    uv_run(&g->loop, UV_RUN_DEFAULT);
    json_decref(question);
    if (!g->result) {
        err_set(err, -EIO, "the generator could not be run: %s", g->infra);
        return NULL;
    }
    const char *error = json_string_value(json_object_get(g->result, "error"));
    json_t *problems = json_incref(json_object_get(g->result, "problems"));
    if (error || !json_is_array(problems)) {
        err_set(err, -EINVAL, "%s", error ? error : "the generator gave no list");
        json_decref(problems);
        problems = NULL;
    }
    json_decref(g->result);
    g->result = NULL;
    return problems;
}

int generate_load(struct problem_set *set, char *const *specs, int n, struct err *err)
{
    struct generator g = {0};
    int rc = 0;
    for (int i = 0; i < n && rc == 0; i++)
        rc = problems_add(set, specs[i], generate, &g, err);
    if (g.open) {
        pool_stop(g.judges);
        uv_run(&g.loop, UV_RUN_DEFAULT);
        pool_free(g.judges);
        CHECK(uv_loop_close(&g.loop) == 0);
    }
    return rc;
}
