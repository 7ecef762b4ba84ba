/* The optimiser against its published update in double precision, and the team that runs it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "tests/unit/random_floats.h"
#include "trainer/kernels/kernels.h"
#include "trainer/kernels/reduce.h"
#include "trainer/kernels/team.h"
#include "trainer/model/model.h"

static const struct model_config small = {.vocab = 501,
                                          .layers = 2,
                                          .width = 24,
                                          .heads = 2,
                                          .kv_heads = 1,
                                          .head_dim = 12,
                                          .ff = 30,
                                          .max_positions = 64,
                                          .rope_theta = 1000,
                                          .norm_eps = 1e-6f,
                                          .tied = false,
                                          .bos_id = -1,
                                          .eos_id = 3,
                                          .pad_id = -1};

static struct model make(void)
{
    struct model m;
    struct err err;
    if (model_create(&small, 9, &m, &err) != 0)
        fail_msg("%s", err.text);
    return m;
}

static void test_update_is_the_papers(void **state)
{
    (void)state;
    struct model m = make();
    struct team *team = team_start(2);
    struct adamw a;
    assert_int_equal(adamw_new(&m, 0.9f, 0.95f, 1e-6f, 0.1f, &a), 0);
    const size_t n = m.n_params;
    double *p = xcalloc(n, sizeof *p), *mean = xcalloc(n, sizeof *mean),
           *var = xcalloc(n, sizeof *var);
    bool *decays = xcalloc(n, sizeof *decays);
    for (size_t i = 0; i < n; i++)
        p[i] = (double)m.params[i];
    for (int t = 0; t < m.n_tensors; t++)
        for (int i = 0; i < m.tensors[t].rows * (m.tensors[t].cols ? m.tensors[t].cols : 1); i++)
            decays[m.tensors[t].offset + (size_t)i] = m.tensors[t].decay;
    for (int step = 1; step <= 5; step++) {
        /* Steps 1 to 3 are clipped, the others are not. */
        float *g = random_floats(n, (uint64_t)step), clip = step <= 3 ? 2.0f : 1e6f;
        double square = 0, lr = 0.01 / step;
        for (size_t i = 0; i < n; i++)
            square += (double)g[i] * (double)g[i];
        double norm = sqrt(square), scale = norm > (double)clip ? (double)clip / norm : 1;
        assert_true(fabs(adamw_step(&a, &m, g, (float)lr, clip, team) - norm) < 1e-9 * norm);
        for (size_t i = 0; i < n; i++) {
            double gi = (double)g[i] * scale;
            mean[i] = 0.9 * mean[i] + 0.1 * gi;
            var[i] = 0.95 * var[i] + 0.05 * gi * gi;
            double mhat = mean[i] / (1 - pow(0.9, step)), vhat = var[i] / (1 - pow(0.95, step));
            p[i] -= lr * (decays[i] ? 0.1 : 0) * p[i];
            p[i] -= lr * mhat / (sqrt(vhat) + 1e-6);
        }
        free(g);
    }
    assert_int_equal(a.step, 5);
    for (size_t i = 0; i < n; i++)
        assert_true(fabs((double)m.params[i] - p[i]) < 2e-6 * (1 + fabs(p[i])));
    free(p), free(mean), free(var), free(decays);
    adamw_free(&a);
    team_stop(team);
    model_free(&m);
}

static void test_a_bad_gradient_changes_nothing(void **state)
{
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    struct model m = make(), before;
    struct team *team = team_start(2);
    struct adamw a;
    assert_int_equal(adamw_new(&m, 0.9f, 0.95f, 1e-6f, 0.1f, &a), 0);
    float *g = random_floats(m.n_params, 1), *zero = xcalloc(m.n_params, sizeof *zero);
    assert_int_equal(model_copy(&m, &before), 0);
    for (int i = 0; i < 3; i++) {
        g[m.n_params - 1] = bad[i];
        assert_false(isfinite(adamw_step(&a, &m, g, 0.1f, 1, team)));
        assert_memory_equal(m.params, before.params, m.n_params * sizeof(float));
        assert_memory_equal(a.m, zero, m.n_params * sizeof(float));
        assert_int_equal(a.step, 0);
    }
    free(g), free(zero);
    adamw_free(&a);
    team_stop(team);
    model_free(&m);
    model_free(&before);
}

/* Parameters after three steps on summed parts, with a team of the given size. */
static float *steps_with(int workers)
{
    struct model m = make();
    struct team *team = team_start(workers);
    struct adamw a;
    assert_int_equal(adamw_new(&m, 0.9f, 0.95f, 1e-8f, 0.01f, &a), 0);
    for (uint64_t step = 0; step < 3; step++) {
        float *parts[3] = {random_floats(m.n_params, 10 * step),
                           random_floats(m.n_params, 10 * step + 1),
                           random_floats(m.n_params, 10 * step + 2)};
        grads_reduce(parts, 3, m.n_params, team);
        adamw_step(&a, &m, parts[0], 0.01f, 1, team);
        free(parts[0]), free(parts[1]), free(parts[2]);
    }
    float *p = m.params;
    m.params = NULL;
    adamw_free(&a);
    team_stop(team);
    model_free(&m);
    return p;
}

static void test_the_team_does_not_change_bits(void **state)
{
    (void)state;
    struct model m = make();
    float *one = steps_with(1);
    for (int workers = 1; workers <= 4; workers++) {
        float *many = steps_with(workers);
        assert_memory_equal(one, many, m.n_params * sizeof(float));
        free(many);
    }
    free(one);
    model_free(&m);
}

enum { SIDE = 96, PRODUCTS = 40 };

struct concurrent {
    const float *x, *w;
    float *y[8];
    atomic_int calls[8];
};

static void multiply(void *ctx, int worker)
{
    struct concurrent *c = ctx;
    c->calls[worker]++;
    for (int i = 0; i < PRODUCTS; i++)
        nn_matmul(SIDE + i, SIDE, SIDE, c->x, c->w, 0, c->y[worker]);
}

/* BLAS called from all workers at once gives each the bits it gives one alone. */
static void test_blas_bits_from_many_threads(void **state)
{
    (void)state;
    struct concurrent c = {.x = random_floats((SIDE + PRODUCTS) * SIDE, 1),
                           .w = random_floats(SIDE * SIDE, 2)};
    const size_t n = (SIDE + PRODUCTS) * SIDE;
    float *alone = xcalloc(n, sizeof *alone);
    struct team *team = team_start(4);
    assert_int_equal(team_size(team), 4);
    for (int i = 0; i < PRODUCTS; i++)
        nn_matmul(SIDE + i, SIDE, SIDE, c.x, c.w, 0, alone);
    for (int i = 0; i < 4; i++)
        c.y[i] = xcalloc(n, sizeof(float));
    for (int round = 0; round < 20; round++) {
        team_run(team, multiply, &c);
        for (int i = 0; i < 4; i++)
            assert_memory_equal(c.y[i], alone, n * sizeof(float));
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(c.calls[i], 20);
        free(c.y[i]);
    }
    team_stop(team);
    free((void *)c.x), free((void *)c.w), free(alone);
}

static void test_names_and_layout(void **state)
{
    (void)state;
    struct model m = make();
    const struct model_tensor *q = model_find(&m, "model.layers.1.self_attn.q_proj.weight");
    const struct model_tensor *k = model_find(&m, "model.layers.1.self_attn.k_proj.weight");
    const struct model_tensor *gate = model_find(&m, "model.layers.0.mlp.gate_proj.weight");
    const struct model_tensor *up = model_find(&m, "model.layers.0.mlp.up_proj.weight");
    assert_int_equal(k->offset, q->offset + (size_t)q->rows * q->cols);
    assert_int_equal(up->offset, gate->offset + (size_t)gate->rows * gate->cols);
    assert_int_equal(m.n_tensors, 1 + 2 * 9 + 2);
    assert_null(model_find(&m, "model.layers.2.mlp.up_proj.weight"));
    assert_true(m.params[model_find(&m, "model.norm.weight")->offset] == 1.0f);
    assert_int_equal((uintptr_t)m.params % 64, 0);
    model_free(&m);
}

static void test_bad_configurations_are_named(void **state)
{
    (void)state;
    struct err err;
    struct model_config c = small;
    c.kv_heads = 3;
    c.heads = 4;
    assert_int_equal(model_config_check(&c, &err), -EINVAL);
    assert_non_null(strstr(err.text, "num_key_value_heads"));
    c = small;
    c.head_dim = 7;
    assert_int_equal(model_config_check(&c, &err), -EINVAL);
    assert_non_null(strstr(err.text, "head_dim"));
    c = small;
    c.norm_eps = NAN;
    assert_int_equal(model_config_check(&c, &err), -EINVAL);
    assert_non_null(strstr(err.text, "rms_norm_eps"));
    c = small;
    c.eos_id = c.vocab;
    assert_int_equal(model_config_check(&c, &err), -EINVAL);
    assert_non_null(strstr(err.text, "eos_token_id"));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_update_is_the_papers),
        cmocka_unit_test(test_a_bad_gradient_changes_nothing),
        cmocka_unit_test(test_the_team_does_not_change_bits),
        cmocka_unit_test(test_blas_bits_from_many_threads),
        cmocka_unit_test(test_names_and_layout),
        cmocka_unit_test(test_bad_configurations_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
