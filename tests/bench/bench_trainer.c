/* How fast the trainer's engine is on one core, in CPU time, as CSV on stdout:
 *   shape,what,value,unit
 * Ceilings are measured between the repeats: a 1024^3 sgemm, and the shape's own matrix products
 * alone. Shapes: demo (the demonstration recipe's model: groups of 8 share a prompt) and s5 (the
 * peer comparison's: a prompt each). Sampling's first figure counts all its time, `.decode` leaves
 * the prompts out. usage: bench_trainer [SHAPE ...] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "trainer/kernels/kernels.h"
#include "trainer/kernels/team.h"
#include "trainer/model/layout.h"
#include "trainer/model/model.h"

enum { REPEATS = 7 };

struct shape {
    const char *name;
    struct model_config cfg;
    int sequences, length, scored;     /* one training micro-batch */
    int prompt, prompts, group, fresh; /* sampling */
};

static const struct shape shapes[] = {
    {"demo",
     {.vocab = 640,
      .layers = 4,
      .width = 128,
      .heads = 4,
      .kv_heads = 4,
      .head_dim = 32,
      .ff = 352,
      .max_positions = 512,
      .rope_theta = 10000,
      .norm_eps = 1e-6f,
      .tied = true,
      .bos_id = -1,
      .eos_id = -1,
      .pad_id = -1},
     14,
     150,
     75,
     80,
     16,
     8,
     70},
    {"s5",
     {.vocab = 2048,
      .layers = 6,
      .width = 256,
      .heads = 8,
      .kv_heads = 4,
      .head_dim = 32,
      .ff = 688,
      .max_positions = 512,
      .rope_theta = 10000,
      .norm_eps = 1e-6f,
      .tied = true,
      .bos_id = -1,
      .eos_id = -1,
      .pad_id = -1},
     8,
     256,
     256,
     64,
     256,
     1,
     64},
};

static double now(void)
{
    return (double)cpu_ns() / 1e9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return v[n / 2];
}

static void report(const char *shape, const char *what, double value, const char *unit)
{
    printf("%s,%s,%.4g,%s\n", shape, what, value, unit);
    fflush(stdout);
}

static float *random_floats(size_t n)
{
    float *v = xcalloc(n, sizeof *v);
    struct rng rng = rng_make(1, n);
    for (size_t i = 0; i < n; i++)
        v[i] = (float)rng_normal(&rng);
    return v;
}

static float *filled_floats(size_t n)
{
    float *v = xcalloc(n, sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = 1e-3f * (float)(i % 31);
    return v;
}

/* Seconds of CPU for forward, input and weight gradients of one product, `times` times. */
static double product_seconds(int m, int out, int in, int times)
{
    float *x = filled_floats((size_t)m * in), *w = filled_floats((size_t)out * in),
          *y = filled_floats((size_t)m * out);
    float *dx = filled_floats((size_t)m * in), *dw = filled_floats((size_t)out * in);
    double from = now();
    for (int i = 0; i < times; i++) {
        nn_matmul(m, out, in, x, w, 0, y);
        nn_matmul_dx(m, out, in, y, w, 0, dx);
        nn_matmul_dw(m, out, in, y, x, dw);
    }
    double seconds = now() - from;
    free(x), free(w), free(y), free(dx), free(dw);
    return seconds;
}

/* GFLOP/s of the products of one update alone: what it would reach if all else were free. */
static double products_rate(const struct shape *s, int tokens, int rows)
{
    const struct layout y = layout_of(&s->cfg);
    const int sizes[][3] = {{tokens, y.qkv, y.width},
                            {tokens, y.width, y.query},
                            {tokens, y.up, y.width},
                            {tokens, y.width, y.ff},
                            {rows, s->cfg.vocab, y.width}};
    double work = 0, time = 0;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        const int times = i < 4 ? s->cfg.layers : 1;
        work += 6.0 * sizes[i][0] * sizes[i][1] * sizes[i][2] * times;
        time += product_seconds(sizes[i][0], sizes[i][1], sizes[i][2], times);
    }
    return work / time / 1e9;
}

/* Floating-point operations that one update really needs: 6 per weight and token (in the last layer
 * and the head, per scored row beyond keys and values), and causal attention, seven products of
 * which forward is two. */
static double update_flops(const struct shape *s, int tokens, int rows)
{
    const struct layout y = layout_of(&s->cfg);
    const double after = (double)y.width * (y.query + y.up + y.ff),
                 pairs = (double)tokens * (s->length + 1) / 2;
    return 6.0 * (s->cfg.layers * (double)tokens * y.width * y.qkv +
                  ((s->cfg.layers - 1.0) * tokens + rows) * after +
                  (double)rows * s->cfg.vocab * y.width) +
           14.0 * s->cfg.layers * pairs * y.query;
}

static void bench_update(const struct shape *s, struct model *m, struct team *team)
{
    const int n = s->sequences * s->length, rows = s->sequences * s->scored;
    int *start = xcalloc((size_t)s->sequences + 1, sizeof *start),
        *row = xcalloc((size_t)rows, sizeof *row);
    int32_t *tokens = xcalloc((size_t)n, sizeof *tokens),
            *target = xcalloc((size_t)rows, sizeof *target);
    float *logp = random_floats((size_t)rows), *dlogp = random_floats((size_t)rows),
          *entropy = random_floats((size_t)rows);
    float *grads = xcalloc(m->n_params, sizeof *grads);
    struct rng rng = rng_make(3, 0);
    for (int i = 0; i <= s->sequences; i++)
        start[i] = i * s->length;
    for (int i = 0; i < n; i++)
        tokens[i] = (int32_t)rng_below(&rng, (uint64_t)s->cfg.vocab);
    for (int i = 0; i < rows; i++) {
        row[i] = i / s->scored * s->length + s->length - s->scored + i % s->scored;
        target[i] = (int32_t)rng_below(&rng, (uint64_t)s->cfg.vocab);
    }
    const struct model_batch b = {.n_seq = s->sequences,
                                  .n_tokens = n,
                                  .n_rows = rows,
                                  .start = start,
                                  .tokens = tokens,
                                  .row = row,
                                  .target = target};
    struct model_run *run = model_run_new(m);
    struct adamw adamw;
    CHECK(adamw_new(m, 0.9f, 0.95f, 1e-8f, 0.1f, &adamw) == 0);
    /* Ceilings are taken between the steps, so that a slow moment of the machine slows both. */
    const double work = update_flops(s, n, rows);
    double speed[REPEATS], forward[REPEATS], step[REPEATS], rate[REPEATS], products[REPEATS],
        square[REPEATS], of_products[REPEATS];
    for (int r = -1; r < REPEATS; r++) {
        double a = now();
        model_forward(run, m, &b, 1, logp, entropy);
        double c = now();
        model_backward(run, m, &b, dlogp, grads);
        double d = now();
        adamw_step(&adamw, m, grads, 1e-4f, 1, team);
        memset(grads, 0, m->n_params * sizeof *grads);
        double end = now();
        if (r < 0)
            continue;
        speed[r] = n / (end - a);
        forward[r] = (c - a) / (end - a) * 100;
        step[r] = (end - d) / (end - a) * 100;
        rate[r] = work / (end - a) / 1e9;
        products[r] = products_rate(s, n, rows);
        square[r] = 6.0 * 1024 * 1024 * 1024 / product_seconds(1024, 1024, 1024, 1) / 1e9;
        of_products[r] = rate[r] / products[r] * 100;
    }
    report(s->name, "update", median(speed, REPEATS), "tokens/s");
    report(s->name, "update.forward_share", median(forward, REPEATS), "%");
    report(s->name, "update.adamw_share", median(step, REPEATS), "%");
    report(s->name, "update.rate", median(rate, REPEATS), "GFLOP/s");
    report(s->name, "update.products_alone", median(products, REPEATS), "GFLOP/s");
    report(s->name, "update.sgemm_1024", median(square, REPEATS), "GFLOP/s");
    report(s->name, "update.of_products_alone", median(of_products, REPEATS), "%");
    adamw_free(&adamw);
    model_run_free(run);
    free(start), free(row), free(tokens), free(target), free(logp), free(dlogp), free(entropy),
        free(grads);
}

static void ignore(void *ctx, int prompt, int k, const struct completion *c)
{
    (void)ctx, (void)prompt, (void)k, (void)c;
}

/* Seconds of CPU to sample `fresh` tokens for `rows` completions in all. */
static double sampling_seconds(const struct shape *s, const struct model *m, struct team *team,
                               const struct sample_prompt *prompts, int rows, int fresh,
                               uint64_t seed)
{
    const int group = rows < s->group ? rows : s->group,
              n_prompts = rows / group < s->prompts ? rows / group : s->prompts;
    const struct sample_options o = {
        .temperature = 1, .top_p = 1, .max_new = fresh, .rows_max = rows, .seed = seed};
    int64_t made = 0;
    double from = now();
    CHECK(sample_run(m, team, &o, prompts, n_prompts, group, ignore, NULL, &made, NULL) == 0);
    CHECK(made == (int64_t)n_prompts * group * fresh);
    return now() - from;
}

static void bench_sampling(const struct shape *s, const struct model *m, struct team *team)
{
    int32_t *tokens = xcalloc((size_t)s->prompt, sizeof *tokens);
    struct sample_prompt *prompts = xcalloc((size_t)s->prompts, sizeof *prompts);
    const int rows[] = {1, 8, 32, 128, 256};
    for (int i = 0; i < s->prompt; i++)
        tokens[i] = i % s->cfg.vocab;
    for (int i = 0; i < s->prompts; i++)
        prompts[i] = (struct sample_prompt){tokens, s->prompt, (uint64_t)i * (uint64_t)s->group};
    for (size_t i = 0; i < COUNT_OF(rows) && rows[i] <= s->prompts * s->group; i++) {
        double whole[REPEATS], decode[REPEATS], prefill[REPEATS];
        const int n_prompts = rows[i] < s->group ? 1 : rows[i] / s->group;
        char what[64];
        for (int r = -1; r < REPEATS; r++) {
            double first = sampling_seconds(s, m, team, prompts, rows[i], 1, (uint64_t)r);
            double all = sampling_seconds(s, m, team, prompts, rows[i], s->fresh, (uint64_t)r);
            if (r < 0)
                continue;
            whole[r] = rows[i] * s->fresh / all;
            decode[r] = rows[i] * (s->fresh - 1) / (all - first);
            prefill[r] = n_prompts * s->prompt / first;
        }
        snprintf(what, sizeof what, "sampling.rows_%d", rows[i]);
        report(s->name, what, median(whole, REPEATS), "tokens/s");
        snprintf(what, sizeof what, "sampling.rows_%d.decode", rows[i]);
        report(s->name, what, median(decode, REPEATS), "tokens/s");
        snprintf(what, sizeof what, "sampling.rows_%d.prefill", rows[i]);
        report(s->name, what, median(prefill, REPEATS), "tokens/s");
    }
    free(tokens);
    free(prompts);
}

int main(int argc, char **argv)
{
    struct team *team = team_start(1);
    printf("shape,what,value,unit\n");
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        bool wanted = argc == 1;
        for (int a = 1; a < argc; a++)
            wanted |= strcmp(argv[a], shapes[i].name) == 0;
        if (!wanted)
            continue;
        struct model m;
        struct err err;
        if (model_create(&shapes[i].cfg, 1, &m, &err) != 0)
            return fprintf(stderr, "bench_trainer: %s\n", err.text), 2;
        bench_update(&shapes[i], &m, team);
        bench_sampling(&shapes[i], &m, team);
        model_free(&m);
    }
    team_stop(team);
    return 0;
}
