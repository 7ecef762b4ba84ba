/* Every kernel against its double-precision twin: values directly, gradients by central differences
 * of the twin. Shapes are chosen to leave remainders behind sixteen lanes, eight rows and 32
 * columns. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/rng.h"
#include "tests/unit/random_floats.h"
#include "trainer/kernels/kernels.h"
#include "trainer/kernels/simd.h"
#include "trainer/kernels/tile.h"
#include "trainer/model/reference.h"

static double *widen(const float *v, size_t n)
{
    double *w = xcalloc(n, sizeof *w);
    for (size_t i = 0; i < n; i++)
        w[i] = (double)v[i];
    return w;
}

/* Largest difference, relative to the wanted values' root mean square. */
static double difference(const float *got, const double *wanted, size_t n)
{
    double square = 0, worst = 0;
    for (size_t i = 0; i < n; i++) {
        square += wanted[i] * wanted[i];
        double d = fabs((double)got[i] - wanted[i]);
        if (!(d <= worst))
            worst = d;
    }
    return worst / (sqrt(square / (double)n) + 1e-30);
}

static void assert_near(const float *got, const double *wanted, size_t n, double tolerance,
                        const char *what)
{
    double d = difference(got, wanted, n);
    if (!(d <= tolerance))
        fail_msg("%s: relative difference %g", what, d);
}

/* ---- finite differences --------------------------------------------------------------------- */

/* y[n_out] of x[n_in]; other inputs lie in ctx. */
typedef void (*twin_fn)(void *ctx, const double *x, double *y);

/* The gradient of sum(weight * y) by x, into slope[n_in], for every `stride`-th element. */
static void slopes(twin_fn f, void *ctx, const float *x, size_t n_in, size_t stride,
                   const float *weight, size_t n_out, double *slope)
{
    double *at = widen(x, n_in), *up = xcalloc(n_out, sizeof *up),
           *down = xcalloc(n_out, sizeof *down);
    const double h = 1e-5;
    for (size_t i = 0; i < n_in; i += stride) {
        double keep = at[i];
        at[i] = keep + h;
        f(ctx, at, up);
        at[i] = keep - h;
        f(ctx, at, down);
        at[i] = keep;
        slope[i] = 0;
        for (size_t o = 0; o < n_out; o++)
            slope[i] += (double)weight[o] * (up[o] - down[o]) / (2 * h);
    }
    free(at);
    free(up);
    free(down);
}

/* Checks that `got` holds the slopes added to `before` (NULL: set, not added). */
static void check_slopes(twin_fn f, void *ctx, const float *x, size_t n_in, const float *weight,
                         size_t n_out, const float *got, const float *before, const char *what)
{
    double *slope = xcalloc(n_in, sizeof *slope);
    slopes(f, ctx, x, n_in, 1, weight, n_out, slope);
    for (size_t i = 0; before && i < n_in; i++)
        slope[i] += (double)before[i];
    assert_near(got, slope, n_in, 1e-4, what);
    free(slope);
}

/* ---- the kernels ---------------------------------------------------------------------------- */

static void test_exp(void **state)
{
    (void)state;
    double worst = 0;
    for (double x = -87; x < 88; x += 0.00037) {
        double wanted = exp((double)(float)x);
        worst = fmax(worst, fabs((double)nn_exp((float)x) - wanted) / wanted);
    }
    assert_true(worst < 2e-7);
    assert_true(nn_exp(0) == 1.0f);
    assert_true(isnan(nn_exp(NAN)));
    assert_true(nn_exp(-INFINITY) >= 0 && nn_exp(-INFINITY) < 1e-37f);
    assert_true(nn_exp(INFINITY) > 1e38f);
}

static void test_vectors(void **state)
{
    (void)state;
    v16 rows[NN_LANES], x;
    for (int i = 0; i < NN_LANES; i++)
        for (int j = 0; j < NN_LANES; j++)
            rows[i][j] = (float)(100 * i + j);
    v16_transpose(rows);
    for (int i = 0; i < NN_LANES; i++)
        for (int j = 0; j < NN_LANES; j++)
            assert_true(rows[i][j] == (float)(100 * j + i));
    for (int n = -1; n <= NN_LANES + 1; n++) {
        x = v16_first(rows[0], n, rows[1]);
        for (int j = 0; j < NN_LANES; j++)
            assert_true(x[j] == rows[j < n ? 0 : 1][j]);
    }
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < NN_LANES; j++)
            x[j] = (float)(16 * i + j - 128) * 0.83f;
        if (i == 0)
            x[3] = NAN, x[5] = INFINITY, x[7] = -INFINITY;
        const v16 e = v16_exp(x);
        for (int j = 0; j < NN_LANES; j++)
            assert_true(isnan(x[j]) ? isnan(e[j])
                                    : fabsf(e[j] - nn_exp(x[j])) <= 3e-7f * nn_exp(x[j]));
    }
}

static const int sizes[][3] = {{1, 1, 1},    {3, 5, 7},     {8, 32, 16},   {9, 33, 17},
                               {15, 70, 40}, {130, 95, 64}, {261, 67, 300}};

static void test_matmul(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        const int m = sizes[s][0], out = sizes[s][1], in = sizes[s][2];
        const size_t nx = (size_t)m * in, nw = (size_t)out * in, ny = (size_t)m * out;
        float *x = random_floats(nx, 1), *w = random_floats(nw, 2), *y = random_floats(ny, 3),
              *dy = random_floats(ny, 4);
        float *dx = random_floats(nx, 5), *dw = random_floats(nw, 6),
              *packed = random_floats(nn_packed_size(out, in), 7);
        double *wx = widen(x, nx), *ww = widen(w, nw), *wanted = xcalloc(ny, sizeof *wanted),
               *old = widen(y, ny);
        ref_matmul(m, out, in, wx, ww, wanted);
        nn_matmul(m, out, in, x, w, 0, y);
        assert_near(y, wanted, ny, 1e-5, "matmul");
        nn_pack(out, in, w, packed);
        nn_packed_matmul(m, out, in, x, packed, y);
        assert_near(y, wanted, ny, 1e-5, "packed matmul");
        nn_packed_matmul_add(m, out, in, x, packed, y);
        for (size_t i = 0; i < ny; i++)
            wanted[i] *= 2;
        assert_near(y, wanted, ny, 1e-5, "packed matmul, added");
        nn_matmul(m, out, in, x, w, 1, y);
        for (size_t i = 0; i < ny; i++)
            wanted[i] *= 1.5;
        assert_near(y, wanted, ny, 1e-5, "matmul, added");
        double *wdx = widen(dx, nx), *wdw = widen(dw, nw);
        for (int i = 0; i < m; i++)
            for (int o = 0; o < out; o++)
                for (int j = 0; j < in; j++) {
                    wdx[i * in + j] += (double)dy[i * out + o] * ww[o * in + j];
                    wdw[o * in + j] += (double)dy[i * out + o] * wx[i * in + j];
                }
        float *back = random_floats(nn_packed_size(in, out), 8), *dx2 = random_floats(nx, 5);
        nn_pack_dx(out, in, w, back);
        nn_packed_matmul_add(m, in, out, dy, back, dx2);
        assert_near(dx2, wdx, nx, 1e-5, "packed matmul dx");
        free(back), free(dx2);
        nn_matmul_dx(m, out, in, dy, w, 1, dx);
        nn_matmul_dw(m, out, in, dy, x, dw);
        assert_near(dx, wdx, nx, 1e-5, "matmul dx");
        assert_near(dw, wdw, nw, 1e-5, "matmul dw");
        free(x), free(w), free(y), free(dy), free(dx), free(dw), free(packed);
        free(wx), free(ww), free(wanted), free(old), free(wdx), free(wdw);
    }
}

/* A row's result has the same bits alone and in any company: the sampler's promise rests on it. */
static void test_packed_rows_are_alone(void **state)
{
    (void)state;
    const int m = 23, out = 75, in = 50;
    float *x = random_floats((size_t)m * in, 1), *w = random_floats((size_t)out * in, 2),
          *all = random_floats((size_t)m * out, 3);
    float *packed = random_floats(nn_packed_size(out, in), 4),
          *one = random_floats((size_t)m * out, 5);
    nn_pack(out, in, w, packed);
    nn_packed_matmul(m, out, in, x, packed, all);
    for (int rows = 1; rows < m; rows++)
        for (int from = 0; from + rows <= m; from += 5) {
            nn_packed_matmul(rows, out, in, x + from * in, packed, one);
            assert_memory_equal(one, all + from * out, sizeof *one * (size_t)(rows * out));
        }
    free(x), free(w), free(all), free(packed), free(one);
}

static void test_tile_takes_transposed_views(void **state)
{
    (void)state;
    const int m = 13, n = 48, k = 11;
    float *at = random_floats((size_t)k * m, 1), *b = random_floats((size_t)k * n, 2),
          *c = random_floats((size_t)m * n, 3);
    double *wanted = widen(c, (size_t)m * n);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
            for (int p = 0; p < k; p++)
                wanted[i * n + j] += (double)at[p * m + i] * (double)b[p * n + j];
    tile_matmul(m, n, k, (struct tile_a){at, 1, (size_t)m}, b, (size_t)n, c, (size_t)n, true);
    assert_near(c, wanted, (size_t)m * n, 1e-5, "tile");
    free(at), free(b), free(c), free(wanted);
}

struct norm_case {
    int n, d;
    const double *x, *w;
};

static void norm_by_x(void *ctx, const double *x, double *y)
{
    const struct norm_case *c = ctx;
    ref_rmsnorm(c->n, c->d, x, c->w, 1e-5, y);
}

static void norm_by_w(void *ctx, const double *w, double *y)
{
    const struct norm_case *c = ctx;
    ref_rmsnorm(c->n, c->d, c->x, w, 1e-5, y);
}

static void test_rmsnorm(void **state)
{
    (void)state;
    const int shapes[][2] = {{1, 1}, {3, 7}, {4, 16}, {5, 37}};
    for (size_t s = 0; s < COUNT_OF(shapes); s++) {
        const int n = shapes[s][0], d = shapes[s][1];
        const size_t size = (size_t)n * d;
        float *x = random_floats(size, 1), *w = random_floats((size_t)d, 2),
              *y = random_floats(size, 3), *dy = random_floats(size, 4);
        float *dx = random_floats(size, 5), *dw = random_floats((size_t)d, 6);
        float *dx_before = random_floats(size, 5), *dw_before = random_floats((size_t)d, 6);
        double *wx = widen(x, size), *ww = widen(w, (size_t)d),
               *wanted = xcalloc(size, sizeof *wanted);
        struct norm_case c = {n, d, wx, ww};
        ref_rmsnorm(n, d, wx, ww, 1e-5, wanted);
        nn_rmsnorm(n, d, x, w, 1e-5f, y);
        assert_near(y, wanted, size, 2e-6, "rmsnorm");
        nn_rmsnorm_bwd(n, d, x, w, 1e-5f, dy, dx, dw);
        check_slopes(norm_by_x, &c, x, size, dy, size, dx, dx_before, "rmsnorm dx");
        check_slopes(norm_by_w, &c, w, (size_t)d, dy, size, dw, dw_before, "rmsnorm dw");
        free(x), free(w), free(y), free(dy), free(dx), free(dw), free(dx_before), free(dw_before),
            free(wx), free(ww), free(wanted);
    }
}

static void layernorm_by_x(void *ctx, const double *x, double *y)
{
    const struct norm_case *c = ctx;
    ref_layernorm(c->n, c->d, x, c->w, 1e-5, y);
}

static void layernorm_by_w(void *ctx, const double *w, double *y)
{
    const struct norm_case *c = ctx;
    ref_layernorm(c->n, c->d, c->x, w, 1e-5, y);
}

static void test_layernorm(void **state)
{
    (void)state;
    const int shapes[][2] = {{3, 7}, {4, 16}, {5, 37}};
    for (size_t s = 0; s < COUNT_OF(shapes); s++) {
        const int n = shapes[s][0], d = shapes[s][1];
        const size_t size = (size_t)n * d, two = 2 * (size_t)d;
        float *x = random_floats(size, 1), *w = random_floats(two, 2), *y = random_floats(size, 3),
              *dy = random_floats(size, 4);
        float *dx = random_floats(size, 5), *dw = random_floats(two, 6);
        float *dx_before = random_floats(size, 5), *dw_before = random_floats(two, 6);
        double *wx = widen(x, size), *ww = widen(w, two), *wanted = xcalloc(size, sizeof *wanted);
        struct norm_case c = {n, d, wx, ww};
        ref_layernorm(n, d, wx, ww, 1e-5, wanted);
        nn_layernorm(n, d, x, w, 1e-5f, y);
        assert_near(y, wanted, size, 2e-6, "layernorm");
        nn_layernorm_bwd(n, d, x, w, 1e-5f, dy, dx, dw);
        check_slopes(layernorm_by_x, &c, x, size, dy, size, dx, dx_before, "layernorm dx");
        check_slopes(layernorm_by_w, &c, w, two, dy, size, dw, dw_before, "layernorm dwb");
        free(x), free(w), free(y), free(dy), free(dx), free(dw), free(dx_before), free(dw_before),
            free(wx), free(ww), free(wanted);
    }
}

static void test_bias(void **state)
{
    (void)state;
    enum { N = 3, D = 5 };
    float *y = random_floats(N * D, 1), *before = random_floats(N * D, 1), *b = random_floats(D, 2),
          *db = random_floats(D, 2);
    nn_bias(N, D, b, y);
    for (int i = 0; i < N * D; i++)
        assert_true(y[i] == before[i] + b[i % D]);
    nn_bias_bwd(N, D, before, db);
    for (int j = 0; j < D; j++)
        assert_float_equal(db[j], b[j] + before[j] + before[D + j] + before[2 * D + j], 1e-6);
    free(y), free(before), free(b), free(db);
}

static void test_rope(void **state)
{
    (void)state;
    const int heads = 3, dim = 10, last = 700;
    struct nn_rope rope = {0};
    nn_rope_reserve(&rope, dim, 100, NULL, 5);
    nn_rope_reserve(&rope, dim, 100, NULL, last + 1);
    for (int position = 0; position <= last; position += 35) {
        float *x = random_floats((size_t)(heads * dim), 1),
              *start = random_floats((size_t)(heads * dim), 1);
        double *wanted = widen(x, (size_t)(heads * dim)),
               *back = widen(start, (size_t)(heads * dim));
        ref_rope(position, heads, dim, 100, wanted);
        nn_rope_apply(&rope, position, heads, x, 1);
        assert_near(x, wanted, (size_t)(heads * dim), 2e-6, "rope");
        nn_rope_apply(&rope, position, heads, x, -1);
        assert_near(x, back, (size_t)(heads * dim), 2e-6, "rope back");
        free(x), free(start), free(wanted), free(back);
    }
    nn_rope_free(&rope);
}

static void swiglu_twin(void *ctx, const double *gu, double *act)
{
    const int *shape = ctx;
    ref_swiglu(shape[0], shape[1], gu, act);
}

static void test_swiglu(void **state)
{
    (void)state;
    int shape[2] = {3, 21};
    const size_t n = 63;
    float *gu = random_floats(2 * n, 1), *act = random_floats(n, 2), *dact = random_floats(n, 3),
          *dgu = random_floats(2 * n, 4);
    gu[0] = 200, gu[1] = -200, gu[2] = 0; /* saturated gates too */
    double *wide_gu = widen(gu, 2 * n), *wanted = xcalloc(n, sizeof *wanted);
    ref_swiglu(shape[0], shape[1], wide_gu, wanted);
    nn_swiglu(shape[0], shape[1], gu, act);
    assert_near(act, wanted, n, 1e-6, "swiglu");
    memset(act, 0, n * sizeof *act);
    nn_swiglu_bwd(shape[0], shape[1], gu, dact, dgu, act);
    assert_near(act, wanted, n, 1e-6, "swiglu made again");
    check_slopes(swiglu_twin, shape, gu, 2 * n, dact, n, dgu, NULL, "swiglu dgu");
    free(gu), free(act), free(dact), free(dgu), free(wide_gu), free(wanted);
}

static void gelu_twin(void *ctx, const double *up, double *act)
{
    const int *shape = ctx;
    ref_gelu(shape[0], shape[1], up, act);
}

static void test_gelu(void **state)
{
    (void)state;
    int shape[2] = {3, 21};
    const size_t n = 63;
    float *up = random_floats(n, 1), *act = random_floats(n, 2), *dact = random_floats(n, 3),
          *dup = random_floats(n, 4);
    up[0] = 30, up[1] = -30, up[2] = 0; /* saturated too */
    double *wide = widen(up, n), *wanted = xcalloc(n, sizeof *wanted);
    ref_gelu(shape[0], shape[1], wide, wanted);
    nn_gelu(shape[0], shape[1], up, act);
    assert_near(act, wanted, n, 1e-6, "gelu");
    memset(act, 0, n * sizeof *act);
    nn_gelu_bwd(shape[0], shape[1], up, dact, dup, act);
    assert_near(act, wanted, n, 1e-6, "gelu made again");
    check_slopes(gelu_twin, shape, up, n, dact, n, dup, NULL, "gelu dup");
    free(up), free(act), free(dact), free(dup), free(wide), free(wanted);
}

struct softmax_case {
    int n, v;
    double temperature;
    const int32_t *target;
};

static void softmax_twin(void *ctx, const double *logits, double *logp)
{
    const struct softmax_case *c = ctx;
    ref_logp(c->n, c->v, logits, c->temperature, c->target, logp, NULL);
}

static void test_softmax(void **state)
{
    (void)state;
    const int vocab[] = {1, 5, 16, 77};
    for (size_t s = 0; s < COUNT_OF(vocab); s++) {
        const int n = 4, v = vocab[s];
        const size_t size = (size_t)n * v;
        const int32_t target[] = {0, v - 1, v / 2, v / 3};
        struct softmax_case c = {n, v, 0.8, target};
        float *logits = random_floats(size, 1), *probs = random_floats(size, 1),
              *dlogits = random_floats(size, 2);
        float logp[4], entropy[4], dlogp[4] = {1, -2, 0.5f, 0};
        double *wide = widen(logits, size), wanted[4], wanted_entropy[4];
        logits[0] += 60, probs[0] += 60,
            wide[0] = (double)logits[0]; /* far apart: the shift by the maximum matters */
        ref_logp(n, v, wide, 0.8, target, wanted, wanted_entropy);
        nn_softmax_logp(n, v, probs, 0.8f, target, logp, entropy);
        for (int i = 0; i < n; i++) {
            assert_true(fabs((double)logp[i] - wanted[i]) < 3e-6 * (1 + fabs(wanted[i])));
            assert_true(fabs((double)entropy[i] - wanted_entropy[i]) < 3e-6);
            double sum = 0;
            for (int j = 0; j < v; j++)
                sum += (double)probs[i * v + j];
            assert_true(fabs(sum - 1) < 1e-6);
        }
        nn_softmax_logp_bwd(n, v, probs, 0.8f, target, dlogp, dlogits);
        if (v > 1)
            check_slopes(softmax_twin, &c, logits, size, dlogp, (size_t)n, dlogits, NULL,
                         "softmax dlogits");
        free(logits), free(probs), free(dlogits), free(wide);
    }
}

static void test_embedding(void **state)
{
    (void)state;
    const int n = 6, d = 9, v = 4;
    const int32_t tokens[] = {3, 0, 3, 3, 1, 0};
    float *table = random_floats((size_t)v * d, 1), *x = random_floats((size_t)n * d, 2),
          *dx = random_floats((size_t)n * d, 3);
    float *dtable = random_floats((size_t)v * d, 4);
    double *wanted = widen(dtable, (size_t)v * d);
    nn_embedding(n, d, tokens, table, x);
    for (int i = 0; i < n; i++) {
        assert_memory_equal(x + i * d, table + tokens[i] * d, sizeof *x * (size_t)d);
        for (int j = 0; j < d; j++)
            wanted[tokens[i] * d + j] += (double)dx[i * d + j];
    }
    nn_embedding_bwd(n, d, tokens, dx, dtable);
    assert_near(dtable, wanted, (size_t)v * d, 1e-6, "embedding");
    free(table), free(x), free(dx), free(dtable), free(wanted);
}

struct attention_case {
    struct nn_heads heads;
    struct nn_span span;
    int rows; /* of the packed batch, some outside the span */
};

static const struct attention_case attention_cases[] = {
    {{1, 1, 2}, {0, 0, 0, 1}, 1},    {{2, 1, 6}, {0, 0, 2, 9}, 12},
    {{4, 2, 16}, {0, 0, 0, 18}, 18}, {{2, 2, 20}, {0, 0, 1, 41}, 43},
    {{4, 2, 8}, {1, 5, 8, 10}, 20},  {{2, 1, 32}, {0, 19, 19, 35}, 54},
    {{3, 3, 48}, {2, 1, 5, 2}, 7},
};

static void attention_twin(void *ctx, const double *qkv, double *o)
{
    const struct attention_case *c = ctx;
    const struct ref_span span = {c->span.prefix, c->span.n_prefix, c->span.first, c->span.n_query};
    ref_attention(c->heads.heads, c->heads.kv_heads, c->heads.head_dim, span, qkv, o);
}

static void test_attention(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(attention_cases); s++) {
        struct attention_case c = attention_cases[s];
        const struct nn_heads *h = &c.heads;
        const size_t width = (size_t)(h->heads + 2 * h->kv_heads) * h->head_dim, n = width * c.rows;
        const size_t out_width = (size_t)h->heads * h->head_dim, n_out = out_width * c.rows;
        float *qkv = random_floats(n, s), *o = xcalloc(n_out, sizeof *o),
              *lse = xcalloc((size_t)(c.rows * h->heads), sizeof *lse);
        float *dout = random_floats(n_out, 50 + s), *dqkv = xcalloc(n, sizeof *dqkv);
        float *scratch =
            random_floats(nn_attention_scratch(h, c.span.n_prefix + c.span.n_query), 60);
        double *wide = widen(qkv, n), *wanted = xcalloc(n_out, sizeof *wanted);
        attention_twin(&c, wide, wanted);
        nn_attention(h, c.span, qkv, o, lse, scratch);
        assert_near(o, wanted, n_out, 5e-6, "attention");
        nn_attention_bwd(h, c.span, qkv, o, lse, dout, dqkv, scratch);
        double *slope = xcalloc(n, sizeof *slope);
        /* Of large ones every seventh element is probed; the others are taken on trust. */
        const size_t stride = n > 2000 ? 7 : 1;
        slopes(attention_twin, &c, qkv, n, stride, dout, n_out, slope);
        for (size_t i = 0; i < n; i++)
            slope[i] = i % stride ? (double)dqkv[i] : slope[i];
        assert_near(dqkv, slope, n, 1e-4, "attention dqkv");
        free(qkv), free(o), free(lse), free(dout), free(dqkv), free(scratch), free(wide),
            free(wanted), free(slope);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_matmul),
        cmocka_unit_test(test_packed_rows_are_alone),
        cmocka_unit_test(test_tile_takes_transposed_views),
        cmocka_unit_test(test_rmsnorm),
        cmocka_unit_test(test_rope),
        cmocka_unit_test(test_swiglu),
        cmocka_unit_test(test_gelu),
        cmocka_unit_test(test_layernorm),
        cmocka_unit_test(test_bias),
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_embedding),
        cmocka_unit_test(test_attention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
