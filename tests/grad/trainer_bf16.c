/* The bf16 products: each kernel against the naive twin, to the bit where they promise it, and
 * all of them within what f32 sums may differ by. AVX512-BF16 is tried in a child first, since a
 * processor may have it without saying so; where it has not, those tests are skipped. AMX is
 * tested by its twin: the loops are the same text. At last a whole model: as in f32 but for what
 * rounding does, and the same to the bit wherever that is promised. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/rng.h"
#include "tests/unit/random_floats.h"
#include "trainer/kernels/bf16.h"
#include "trainer/kernels/kernels.h"
#include "trainer/model/lora.h"
#include "trainer/model/model.h"
#include "trainer/model/product.h"

static float scratch[NN_BF16_SCRATCH];

/* Whether a small product by this kernel ends otherwise than by a signal. */
static bool runs_here(const char *name)
{
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGILL, SIG_DFL); /* cmocka's would have the test go on here */
        float x[64] = {1}, y[32];
        uint32_t packed[64 / 2 * 32] = {0};
        nn_bf16_use(name);
        nn_bf16_matmul(1, 32, 64, x, packed, false, y, scratch);
        _exit(0);
    }
    int status = 0;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void need(const char *name)
{
    if (!runs_here(name)) {
        print_message("# this processor does not execute what `%s` is made of\n", name);
        skip();
    }
    assert_true(nn_bf16_use(name));
}

/* An implementation of its own: bf16 has eight bits of mantissa. */
static double rounded(float x)
{
    int exponent;
    double m = frexp((double)x, &exponent);
    if (x == 0 || exponent < -125)
        return 0;
    return ldexp(nearbyint(ldexp(m, 8)), exponent - 8);
}

static void test_rounding(void **state)
{
    (void)state;
    struct rng rng = rng_make(5, 0);
    for (int i = 0; i < 200000; i++) {
        uint32_t bits = (uint32_t)rng_below(&rng, (uint64_t)1 << 32);
        /* Ties now and then. */
        if (i % 4 == 0)
            bits = (bits & 0xffff0000) | 0x8000;
        float x;
        memcpy(&x, &bits, sizeof x);
        const v16 got = (v16)bf16_round((v16){0} + x);
        if (isnan(x)) {
            assert_true(isnan(got[0]));
            continue;
        }
        const double wanted = rounded(x);
        if (fabs(wanted) >= 0x1p128)
            assert_true(isinf(got[3]) && (got[3] > 0) == (x > 0));
        else
            assert_true((double)got[3] == wanted);
    }
    assert_true(isinf(((v16)bf16_round((v16){0} + INFINITY))[0]));
}

static const int sizes[][3] = {{1, 1, 1},     {3, 5, 7},      {8, 32, 16},    {9, 33, 17},
                               {16, 64, 32},  {15, 70, 40},   {33, 95, 64},   {12, 48, 31},
                               {130, 16, 70}, {261, 67, 300}, {300, 40, 530}, {40, 31, 1050}};

/* y of every size against the naive twin; exact: the same bits. */
static void check_products(bool exact)
{
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        const int m = sizes[s][0], out = sizes[s][1], in = sizes[s][2];
        const size_t ny = (size_t)m * out;
        float *x = random_floats((size_t)m * in, 1), *w = random_floats((size_t)out * in, 2),
              *y = random_floats(ny, 3), *wanted = random_floats(ny, 4);
        uint32_t *packed = xcalloc(nn_bf16_packed_size(out, in), sizeof *packed);
        memset(packed, 0x55, nn_bf16_packed_size(out, in) * sizeof *packed);
        nn_bf16_naive(m, out, in, x, w, wanted);
        nn_bf16_pack(out, in, w, packed);
        nn_bf16_matmul(m, out, in, x, packed, false, y, scratch);
        const double bound = 1e-5 * sqrt(in);
        for (size_t i = 0; i < ny; i++) {
            assert_true(exact ? y[i] == wanted[i] : fabs((double)(y[i] - wanted[i])) < bound);
        }
        for (size_t i = 0; i < ny; i += 37) {
            double sum = 0;
            for (int p = 0; p < in; p++)
                sum += rounded(x[i / (size_t)out * (size_t)in + p]) *
                       rounded(w[i % (size_t)out * (size_t)in + p]);
            assert_true(fabs((double)y[i] - sum) < bound);
        }
        /* Added to what is there; the rounding of the sum begins elsewhere. */
        nn_bf16_matmul(m, out, in, x, packed, true, y, scratch);
        for (size_t i = 0; i < ny; i++)
            assert_true(fabs((double)(y[i] - 2 * wanted[i])) < 2 * bound);
        free(x), free(w), free(y), free(wanted), free(packed);
    }
}

/* The gradients are products as well: each against the same product made of transposed copies. */
static void check_gradients(bool exact)
{
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        const int m = sizes[s][0], out = sizes[s][1], in = sizes[s][2];
        const size_t nx = (size_t)m * in, nw = (size_t)out * in;
        float *x = random_floats(nx, 1), *w = random_floats(nw, 2),
              *dy = random_floats((size_t)m * out, 3), *dx = random_floats(nx, 4),
              *dw = xcalloc(nw, sizeof *dw), *wanted_dx = random_floats(nx, 5),
              *wanted_dw = random_floats(nw, 6);
        float *wt = xcalloc(nw, sizeof *wt), *dyt = xcalloc((size_t)m * out, sizeof *dyt),
              *xt = xcalloc(nx, sizeof *xt);
        uint32_t *packed = xcalloc(nn_bf16_packed_size(in, out), sizeof *packed),
                 *packed_x = xcalloc(nn_bf16_packed_size(in, m), sizeof *packed_x);
        for (size_t o = 0; o < (size_t)out; o++) {
            for (size_t i = 0; i < (size_t)in; i++)
                wt[i * out + o] = w[o * in + i];
            for (size_t i = 0; i < (size_t)m; i++)
                dyt[o * m + i] = dy[i * out + o];
        }
        for (size_t i = 0; i < nx; i++)
            xt[i % in * m + i / in] = x[i];
        nn_bf16_naive(m, in, out, dy, wt, wanted_dx);
        nn_bf16_naive(out, in, m, dyt, xt, wanted_dw);
        nn_bf16_pack_dx(out, in, w, packed);
        nn_bf16_matmul(m, in, out, dy, packed, false, dx, scratch);
        nn_bf16_pack_dx(m, in, x, packed_x);
        nn_bf16_matmul_dw(m, out, in, dy, packed_x, dw, scratch);
        for (size_t i = 0; i < nx; i++)
            assert_true(exact ? dx[i] == wanted_dx[i]
                              : fabs((double)(dx[i] - wanted_dx[i])) < 1e-5 * sqrt(out));
        for (size_t i = 0; i < nw; i++)
            assert_true(exact ? dw[i] == wanted_dw[i]
                              : fabs((double)(dw[i] - wanted_dw[i])) < 1e-5 * sqrt(m));
        free(x), free(w), free(dy), free(dx), free(dw), free(wanted_dx), free(wanted_dw), free(wt),
            free(dyt), free(xt), free(packed), free(packed_x);
    }
}

/* A row's result has the same bits alone and in any company: the sampler's promise rests on it. */
static void check_rows_are_alone(void)
{
    const int m = 49, out = 75, in = 50;
    float *x = random_floats((size_t)m * in, 1), *w = random_floats((size_t)out * in, 2),
          *all = random_floats((size_t)m * out, 3), *one = random_floats((size_t)m * out, 5);
    uint32_t *packed = xcalloc(nn_bf16_packed_size(out, in), sizeof *packed);
    nn_bf16_pack(out, in, w, packed);
    nn_bf16_matmul(m, out, in, x, packed, false, all, scratch);
    for (int rows = 1; rows < m; rows += 3)
        for (int from = 0; from + rows <= m; from += 5) {
            nn_bf16_matmul(rows, out, in, x + from * in, packed, false, one, scratch);
            assert_memory_equal(one, all + from * out, sizeof *one * (size_t)(rows * out));
        }
    free(x), free(w), free(all), free(packed), free(one);
}

static void check_kernel(const char *name, bool exact)
{
    need(name);
    check_products(exact);
    check_gradients(exact);
    check_rows_are_alone();
}

static void test_fma(void **state)
{
    (void)state;
    check_kernel("fma", true);
}

static void test_dot(void **state)
{
    (void)state;
    check_kernel("dot", true);
}

static void test_amx_twin(void **state)
{
    (void)state;
    check_kernel("amx-twin", false);
}

static void test_amx(void **state)
{
    (void)state;
    check_kernel("amx", false);
}

/* What lies below the normal range is zero on either path, and NaN and infinity come through. */
static void test_odd_numbers(void **state)
{
    (void)state;
    enum { M = 4, OUT = 32, IN = 32 };
    const float odd[] = {1e-39f, -1e-39f, 1e-30f, 1e-20f, -3e-25f, 0, -0.0f, 1, 3e38f, 1e-38f};
    float x[M * IN], w[OUT * IN], by_fma[M * OUT], by_dot[M * OUT];
    uint32_t packed[OUT * IN / 2];
    struct rng rng = rng_make(7, 0);
    for (int i = 0; i < M * IN; i++)
        x[i] = odd[rng_below(&rng, COUNT_OF(odd))];
    for (int i = 0; i < OUT * IN; i++)
        w[i] = odd[rng_below(&rng, COUNT_OF(odd) - 2)];
    x[IN] = NAN, x[2 * IN] = INFINITY, w[0] = 1;
    assert_true(nn_bf16_packed_size(OUT, IN) == COUNT_OF(packed));
    nn_bf16_pack(OUT, IN, w, packed);
    assert_true(nn_bf16_use("fma"));
    nn_bf16_matmul(M, OUT, IN, x, packed, false, by_fma, scratch);
    assert_true(isnan(by_fma[OUT]) && isinf(by_fma[2 * OUT]));
    assert_false(isnan(by_fma[0]) || isnan(by_fma[3 * OUT]));
    need("dot");
    nn_bf16_matmul(M, OUT, IN, x, packed, false, by_dot, scratch);
    for (int i = 0; i < M * OUT; i++)
        assert_true(isnan(by_fma[i]) ? isnan(by_dot[i]) : by_fma[i] == by_dot[i]);
}

/* ---- a whole model --------------------------------------------------------------------------- */

enum { N = 60, SPLIT = 37 };

struct whole {
    struct model m;
    struct model_run *run;
    struct model_batch b;
    int32_t tokens[N], target[N];
    int start[3], row[N];
    float dlogp[N], logp[N], *grads;
};

static void whole_make(struct whole *a, int family, int rank)
{
    struct model_config cfg = {.family = family,
                               .vocab = 53,
                               .layers = 2,
                               .width = 48,
                               .heads = 4,
                               .kv_heads = 2,
                               .head_dim = 12,
                               .ff = 80,
                               .max_positions = 64,
                               .rope_theta = 100,
                               .norm_eps = 1e-5f,
                               .tied = true,
                               .bos_id = -1,
                               .eos_id = -1,
                               .pad_id = -1};
    struct rng rng = rng_make(9, 1);
    struct err err;
    *a = (struct whole){.start = {0, SPLIT, N}};
    model_config_family(&cfg);
    cfg.kv_heads = family == MODEL_GPT2 ? cfg.heads : cfg.kv_heads;
    if (model_create(&cfg, 3, &a->m, &err) != 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < a->m.n_params; i++)
        a->m.params[i] += 0.1f * (float)rng_normal(&rng);
    if (rank) {
        unsigned targets;
        assert_int_equal(lora_targets(&cfg, NULL, 0, "", &targets, NULL), 0);
        a->m.lora = lora_create(&cfg, rank, 8, targets, 4);
        for (size_t i = 0; i < a->m.lora->n_params; i++)
            a->m.lora->params[i] = 0.1f * (float)rng_normal(&rng);
    }
    for (int i = 0; i < N; i++) {
        a->row[i] = i;
        a->tokens[i] = (int32_t)rng_below(&rng, 53);
        a->target[i] = (int32_t)rng_below(&rng, 53);
        a->dlogp[i] = (float)rng_normal(&rng);
    }
    a->b = (struct model_batch){.n_seq = 2,
                                .n_tokens = N,
                                .n_rows = N,
                                .start = a->start,
                                .tokens = a->tokens,
                                .row = a->row,
                                .target = a->target};
    a->run = model_run_new(&a->m);
    a->grads = xcalloc(model_trained(&a->m).n, sizeof *a->grads);
}

static void whole_free(struct whole *a)
{
    model_run_free(a->run);
    model_free(&a->m);
    free(a->grads);
}

static void whole_pass(struct whole *a)
{
    memset(a->grads, 0, model_trained(&a->m).n * sizeof *a->grads);
    model_forward(a->run, &a->m, &a->b, 1, a->logp, NULL);
    model_backward(a->run, &a->m, &a->b, a->dlogp, a->grads);
}

/* Root mean square of a - b, relative to b's. */
static double apart(const float *a, const float *b, size_t n)
{
    double off = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        off += (double)(a[i] - b[i]) * (double)(a[i] - b[i]);
        size += (double)b[i] * (double)b[i];
    }
    return sqrt(off / size);
}

/* Nearly as in f32, in every family and with an adapter; not exactly, or nothing was rounded. */
static void test_a_model(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * MODEL_FAMILIES; i++) {
        struct whole a;
        whole_make(&a, i / 2, i % 2 ? 4 : 0);
        const size_t n = model_trained(&a.m).n;
        float logp[N], *grads = xcalloc(n, sizeof *grads);
        whole_pass(&a);
        memcpy(logp, a.logp, sizeof logp);
        memcpy(grads, a.grads, n * sizeof *grads);
        a.m.compute = COMPUTE_BF16;
        whole_pass(&a);
        const double by = apart(a.grads, grads, n);
        if (!(by > 1e-4 && by < 0.03 && apart(a.logp, logp, N) < 0.01))
            fail_msg("%s: gradients are %g apart, log-probabilities %g", model_family_names[i / 2],
                     by, apart(a.logp, logp, N));
        free(grads);
        whole_free(&a);
    }
}

/* The same model by each kernel: equal bits, or for AMX nearly equal. */
static void test_kernels_agree(void **state)
{
    (void)state;
    static const char *const others[] = {"dot", "amx-twin", "amx"};
    struct whole a;
    whole_make(&a, MODEL_LLAMA, 0);
    a.m.compute = COMPUTE_BF16;
    const size_t n = model_trained(&a.m).n;
    float logp[N], *grads = xcalloc(n, sizeof *grads);
    assert_true(nn_bf16_use("fma"));
    whole_pass(&a);
    memcpy(logp, a.logp, sizeof logp);
    memcpy(grads, a.grads, n * sizeof *grads);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (!runs_here(others[i]))
            continue;
        assert_true(nn_bf16_use(others[i]));
        whole_pass(&a);
        if (i == 0) {
            assert_memory_equal(logp, a.logp, sizeof logp);
            assert_memory_equal(grads, a.grads, n * sizeof *grads);
        } else {
            assert_true(apart(a.logp, logp, N) < 0.005 && apart(a.grads, grads, n) < 0.01);
        }
    }
    free(grads);
    whole_free(&a);
}

/* The update makes activations again to the same bits; a row's log-probability does not depend on
 * what it is packed with. */
static void test_bits_repeat(void **state)
{
    (void)state;
    for (int rank = 0; rank <= 4; rank += 4) {
        struct whole a;
        whole_make(&a, MODEL_QWEN3, rank);
        a.m.compute = COMPUTE_BF16;
        const size_t n = model_trained(&a.m).n;
        float logp[N], *grads = xcalloc(n, sizeof *grads);
        whole_pass(&a);
        memcpy(logp, a.logp, sizeof logp);
        memcpy(grads, a.grads, n * sizeof *grads);
        a.m.recompute = true;
        whole_pass(&a);
        assert_memory_equal(grads, a.grads, n * sizeof *grads);
        a.b.n_seq = 1, a.b.n_tokens = a.b.n_rows = SPLIT;
        model_forward(a.run, &a.m, &a.b, 1, a.logp, NULL);
        assert_memory_equal(logp, a.logp, SPLIT * sizeof *logp);
        free(grads);
        whole_free(&a);
    }
}

static void test_names(void **state)
{
    (void)state;
    const char *refused = "?";
    assert_false(nn_bf16_use("cuda"));
    assert_true(nn_bf16_use("fma"));
    assert_string_equal(nn_bf16_name(), "fma");
    assert_non_null(nn_bf16_what(&refused));
    assert_null(refused);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding),    cmocka_unit_test(test_fma),
        cmocka_unit_test(test_dot),         cmocka_unit_test(test_amx_twin),
        cmocka_unit_test(test_amx),         cmocka_unit_test(test_odd_numbers),
        cmocka_unit_test(test_a_model),     cmocka_unit_test(test_kernels_agree),
        cmocka_unit_test(test_bits_repeat), cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
