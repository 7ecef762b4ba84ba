/* command.c: what the subcommands share. */
#include "command.h"

#include <stdlib.h>

#include "base/check.h"

int command_error(const struct err *err)
{
    fprintf(stderr, "assay: %s\n", err->text);
    return EXIT_BAD_INPUT;
}

int command_slots(struct argp_state *state, const char *arg)
{
    char *end;
    long n = strtol(arg, &end, 10);
    if (*end || end == arg || n < 1 || n > 1024)
        argp_error(state, "-j %s: a number of slots from 1 to 1024 is wanted", arg);
    return (int)n;
}

void command_spec(struct argp_state *state, char *arg, char *specs[SPECS_MAX], int *n_specs)
{
    if (*n_specs == SPECS_MAX)
        argp_error(state, "more than %d times -p", SPECS_MAX);
    specs[(*n_specs)++] = arg;
}

struct question {
    struct task task;
    struct pool *pool;
    json_t *result;
    struct err *err;
};

static void on_answer(struct task *t, json_t *result, const char *infra)
{
    struct question *q = NODE_OWNER(t, struct question, task);
    q->result = result;
    if (!result)
        err_set(q->err, -EIO, "%s", infra);
    pool_stop(q->pool);
}

json_t *command_ask(enum pool_kind kind, json_t *question, int64_t limit_ms, struct err *err)
{
    uv_loop_t loop;
    struct question q = {.task = {.question = question, .limit_ms = limit_ms, .done = on_answer},
                         .err = err};
    CHECK(uv_loop_init(&loop) == 0);
    q.pool = pool_start(&loop, kind, 1, 0);
    pool_submit(q.pool, &q.task);
    uv_run(&loop, UV_RUN_DEFAULT);
    pool_free(q.pool);
    CHECK(uv_loop_close(&loop) == 0);
    return q.result;
}
