/* The trainer's engine, one measured piece at a time, for bench_trainer.py beside it to ask for between
 * the same pieces of its peer, so that a slow moment of the machine slows both.
 *
 * usage: bench_trainer SHAPE WORKERS [bf16], then a line on stdin for each answer on stdout:
 *   update        one step: every worker a micro-batch, the sum, AdamW    ->  tokens wall_s cpu_s
 *   products      the same micro-batch's matrix products alone, by BLAS   ->  GFLOP wall_s cpu_s
 *   work          what an update needs                                    ->  GFLOP of one micro-batch
 *   sample ROWS   64 tokens for each of ROWS (per worker), prompts done   ->  tokens wall_s cpu_s
 *   prefill ROWS  their prompts                                           ->  tokens wall_s cpu_s */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "trainer/kernels/kernels.h"
#include "trainer/kernels/pages.h"
#include "trainer/kernels/reduce.h"
#include "trainer/kernels/team.h"
#include "trainer/model/layout.h"
#include "trainer/model/model.h"
#include "trainer/model/product.h"

enum { LENGTH = 256, SEQUENCES = 8, N = LENGTH * SEQUENCES, PROMPT = 64, FRESH = 64 };

#define LLAMA(L, D, H, G, F, V)                                                                    \
    .cfg = {.vocab = V,                                                                            \
            .layers = L,                                                                           \
            .width = D,                                                                            \
            .heads = H,                                                                            \
            .kv_heads = G,                                                                         \
            .head_dim = (D) / (H),                                                                 \
            .ff = F,                                                                               \
            .max_positions = 512,                                                                  \
            .rope_theta = 10000,                                                                   \
            .norm_eps = 1e-6f,                                                                     \
            .tied = true,                                                                          \
            .bos_id = -1,                                                                          \
            .eos_id = -1,                                                                          \
            .pad_id = -1}
#define GPT2(L, D, H, V)                                                                           \
    .cfg = {.family = MODEL_GPT2,                                                                  \
            .vocab = V,                                                                            \
            .layers = L,                                                                           \
            .width = D,                                                                            \
            .heads = H,                                                                            \
            .kv_heads = H,                                                                         \
            .head_dim = (D) / (H),                                                                 \
            .ff = 4 * (D),                                                                         \
            .max_positions = 512,                                                                  \
            .rope_theta = 10000,                                                                   \
            .norm_eps = 1e-5f,                                                                     \
            .tied = true,                                                                          \
            .bos_id = -1,                                                                          \
            .eos_id = -1,                                                                          \
            .pad_id = -1}

static const struct shape {
    const char *name;
    struct model_config cfg;
    int group; /* completions that share a prompt when sampling */
} shapes[] = {
    {"demo", LLAMA(4, 128, 4, 4, 352, 640), .group = 8},
    {"s5", LLAMA(6, 256, 8, 4, 688, 2048), .group = 1},
    {"s15", LLAMA(8, 384, 6, 6, 1024, 4096), .group = 1},
    {"g5", GPT2(6, 256, 8, 2048), .group = 1},
    {"g11", GPT2(6, 384, 6, 2048), .group = 1},
};

struct bench {
    const struct shape *shape;
    struct model model;
    struct team *team;
    struct adamw adamw;
    struct model_batch batch;
    struct model_run **runs; /* one per worker, as are grads */
    float **grads, **logp;
    float *dlogp;
};

/* Wall and processor time of one piece. */
struct watch {
    double wall, cpu;
};

static struct watch now(void)
{
    return (struct watch){(double)wall_ns() / 1e9, (double)cpu_ns() / 1e9};
}

static void answer(double amount, struct watch from)
{
    struct watch to = now();
    printf("%.6g %.6g %.6g\n", amount, to.wall - from.wall, to.cpu - from.cpu);
    fflush(stdout);
}

static float *filled_floats(size_t n)
{
    float *v = xcalloc(n, sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = 1e-3f * (float)(i % 31);
    return v;
}

static void batch_make(struct bench *b)
{
    int *start = xcalloc(SEQUENCES + 1, sizeof *start), *row = xcalloc(N, sizeof *row);
    int32_t *tokens = xcalloc(N, sizeof *tokens), *target = xcalloc(N, sizeof *target);
    struct rng rng = rng_make(3, 0);
    for (int i = 0; i <= SEQUENCES; i++)
        start[i] = i * LENGTH;
    for (int i = 0; i < N; i++) {
        row[i] = i;
        tokens[i] = (int32_t)rng_below(&rng, (uint64_t)b->model.cfg.vocab);
        target[i] = (int32_t)rng_below(&rng, (uint64_t)b->model.cfg.vocab);
    }
    b->batch = (struct model_batch){.n_seq = SEQUENCES,
                                    .n_tokens = N,
                                    .n_rows = N,
                                    .start = start,
                                    .tokens = tokens,
                                    .row = row,
                                    .target = target};
}

static void bench_make(struct bench *b, const struct shape *shape, int workers, bool bf16)
{
    struct model_config cfg = shape->cfg;
    struct err err;
    model_config_family(&cfg);
    *b = (struct bench){.shape = shape, .team = team_start(workers)};
    if (model_create(&cfg, 1, &b->model, &err) != 0 ||
        adamw_new(&b->model, 0.9f, 0.95f, 1e-8f, 0.1f, &b->adamw) != 0) {
        fprintf(stderr, "bench_trainer: %s\n", err.text);
        exit(2);
    }
    b->model.compute = bf16 ? COMPUTE_BF16 : COMPUTE_F32;
    batch_make(b);
    b->runs = xcalloc((size_t)workers, sizeof *b->runs);
    b->grads = xcalloc((size_t)workers, sizeof *b->grads);
    b->logp = xcalloc((size_t)workers, sizeof *b->logp);
    b->dlogp = filled_floats(N);
    for (int w = 0; w < workers; w++) {
        b->runs[w] = model_run_new(&b->model);
        b->grads[w] = check_alloc(pages_zeroed(b->model.n_params));
        b->logp[w] = xcalloc(N, sizeof(float));
    }
}

static void bench_free(struct bench *b)
{
    for (int w = 0; w < team_size(b->team); w++) {
        model_run_free(b->runs[w]);
        free(b->grads[w]);
        free(b->logp[w]);
    }
    free(b->runs), free(b->grads), free(b->logp), free(b->dlogp);
    free((void *)b->batch.start), free((void *)b->batch.tokens), free((void *)b->batch.row),
        free((void *)b->batch.target);
    adamw_free(&b->adamw);
    model_free(&b->model);
    team_stop(b->team);
}

/* ---- the update ----------------------------------------------------------------------------- */

static void update_share(void *ctx, int w)
{
    const struct bench *b = ctx;
    memset(b->grads[w], 0, b->model.n_params * sizeof(float));
    model_forward(b->runs[w], &b->model, &b->batch, 1, b->logp[w], NULL);
    model_backward(b->runs[w], &b->model, &b->batch, b->dlogp, b->grads[w]);
}

static void update(struct bench *b)
{
    struct watch from = now();
    team_run(b->team, update_share, b);
    grads_reduce(b->grads, team_size(b->team), b->model.n_params, b->team);
    adamw_step(&b->adamw, &b->model, b->grads[0], 1e-4f, 1, b->team);
    answer((double)N * team_size(b->team), from);
}

/* The products of one micro-batch, forward and both gradients, each over all its rows at once. */
static void products(const struct bench *b)
{
    const struct layout y = layout_of(&b->model.cfg);
    const int sizes[][3] = {{y.qkv, y.width, b->model.cfg.layers},
                            {y.width, y.query, b->model.cfg.layers},
                            {y.up, y.width, b->model.cfg.layers},
                            {y.width, y.ff, b->model.cfg.layers},
                            {b->model.cfg.vocab, y.width, 1}};
    double flops = 0;
    struct watch spent = now();
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        const int out = sizes[i][0], in = sizes[i][1];
        struct watch setup = now();
        float *x = filled_floats((size_t)N * in), *w = filled_floats((size_t)out * in),
              *y_out = filled_floats((size_t)N * out), *dx = filled_floats((size_t)N * in),
              *dw = filled_floats((size_t)out * in);
        struct watch ready = now();
        spent.wall += ready.wall - setup.wall, spent.cpu += ready.cpu - setup.cpu;
        for (int l = 0; l < sizes[i][2]; l++) {
            nn_matmul(N, out, in, x, w, 0, y_out);
            nn_matmul_dx(N, out, in, y_out, w, 0, dx);
            nn_matmul_dw(N, out, in, y_out, x, dw);
            flops += 6.0 * N * out * in;
        }
        free(x), free(w), free(y_out), free(dx), free(dw);
    }
    answer(flops / 1e9, spent);
}

/* 6 operations for every weight and token, and causal attention: seven products, two of them forward. */
static double update_gflop(const struct bench *b)
{
    const struct model_config *c = &b->model.cfg;
    const struct layout y = layout_of(c);
    const double layer = (double)y.width * (y.qkv + y.query + y.up + y.ff),
                 pairs = (double)N * (LENGTH + 1) / 2;
    return (6.0 * N * (c->layers * layer + (double)c->vocab * y.width) +
            14.0 * c->layers * pairs * y.query) /
           1e9;
}

/* ---- sampling ------------------------------------------------------------------------------- */

/* Worker 0 looks at the watch before its first token and after it, when all prompts are done. */
struct sampled {
    pthread_t worker0;
    int polls;
    struct watch prompts_done;
};

static bool look(void *ctx)
{
    struct sampled *s = ctx;
    if (pthread_equal(pthread_self(), s->worker0) && s->polls++ == 1)
        s->prompts_done = now();
    return false;
}

static void ignore(void *ctx, int prompt, int k, const struct completion *c)
{
    (void)ctx, (void)prompt, (void)k, (void)c;
}

static void sample(const struct bench *b, int rows, bool prompts_alone)
{
    const int workers = team_size(b->team), all = rows * workers,
              group = rows < b->shape->group ? rows : b->shape->group, n_prompts = all / group;
    struct sampled s = {.worker0 = pthread_self()};
    struct sample_options o = {.temperature = 1,
                               .top_p = 1,
                               .max_new = prompts_alone ? 1 : FRESH,
                               .rows_max = rows,
                               .seed = 1,
                               .stop = look};
    int32_t tokens[PROMPT];
    struct sample_prompt *prompts = xcalloc((size_t)n_prompts, sizeof *prompts);
    for (int i = 0; i < PROMPT; i++)
        tokens[i] = i % b->model.cfg.vocab;
    for (int i = 0; i < n_prompts; i++)
        prompts[i] = (struct sample_prompt){tokens, PROMPT, (uint64_t)i * (uint64_t)group};
    int64_t made = 0;
    struct watch from = now();
    CHECK(sample_run(&b->model, b->team, &o, prompts, n_prompts, group, ignore, &s, &made, NULL) ==
          0);
    if (prompts_alone)
        answer((double)n_prompts * PROMPT, from);
    else
        answer((double)(made - all), s.prompts_done);
    free(prompts);
}

int main(int argc, char **argv)
{
    const struct shape *shape = NULL;
    const bool bf16 = argc == 4 && strcmp(argv[3], "bf16") == 0;
    for (size_t i = 0; (argc == 3 || bf16) && i < COUNT_OF(shapes); i++)
        if (strcmp(argv[1], shapes[i].name) == 0)
            shape = &shapes[i];
    const int workers = shape ? atoi(argv[2]) : 0;
    if (!shape || workers < 1)
        return fputs("usage: bench_trainer demo|s5|s15|g5|g11 WORKERS [bf16]\n", stderr), 2;
    struct bench b;
    char line[64];
    int rows;
    bench_make(&b, shape, workers, bf16);
    while (fgets(line, sizeof line, stdin)) {
        if (strcmp(line, "update\n") == 0)
            update(&b);
        else if (strcmp(line, "products\n") == 0)
            products(&b);
        else if (strcmp(line, "work\n") == 0)
            answer(update_gflop(&b), now());
        else if (sscanf(line, "sample %d", &rows) == 1 && rows > 0)
            sample(&b, rows, false);
        else if (sscanf(line, "prefill %d", &rows) == 1 && rows > 0)
            sample(&b, rows, true);
        else
            break;
    }
    bench_free(&b);
    return 0;
}
