/* One step's gradient does not depend on how its sequences are cut into micro-batches, dealt to
 * workers, ordered, or whether their prompts are shared. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/rng.h"
#include "trainer/kernels/team.h"
#include "trainer/rl/learner.h"
#include "trainer/rl/loss.h"

enum { SEQUENCES = 24, LENGTH_MAX = 30, VOCAB = 40 };

static const struct model_config config = {.vocab = VOCAB,
                                           .layers = 2,
                                           .width = 32,
                                           .heads = 4,
                                           .kv_heads = 2,
                                           .head_dim = 8,
                                           .ff = 48,
                                           .max_positions = 64,
                                           .rope_theta = 1e4f,
                                           .norm_eps = 1e-5f,
                                           .tied = true,
                                           .bos_id = -1,
                                           .eos_id = 0,
                                           .pad_id = -1};

struct data {
    int32_t tokens[SEQUENCES][LENGTH_MAX];
    float old_logp[SEQUENCES][LENGTH_MAX];
    struct rl_sequence v[SEQUENCES];
};

/* Groups of `group` completions of one prompt, 6 tokens long. */
static void make_data(struct data *d, int group)
{
    struct rng r = rng_make(3, 0);
    for (int i = 0; i < SEQUENCES; i++) {
        int n = 8 + (int)(rng_uniform(&r) * (LENGTH_MAX - 8));
        for (int t = 0; t < n; t++)
            d->tokens[i][t] = 1 + (int)(rng_uniform(&r) * (VOCAB - 1));
        if (i % group)
            memcpy(d->tokens[i], d->tokens[i - i % group], 6 * sizeof(int32_t));
        for (int t = 0; t < LENGTH_MAX; t++)
            d->old_logp[i][t] = (float)(-3.7 + .2 * rng_normal(&r));
        d->v[i] = (struct rl_sequence){.tokens = d->tokens[i],
                                       .n_prompt = 6,
                                       .n_tokens = n,
                                       .advantage = rng_normal(&r),
                                       .old_logp = d->old_logp[i]};
    }
}

static void objective(const void *ctx, const struct rl_pack *p, const struct rl_loss_totals *totals,
                      float *ret_dlogp, struct rl_loss_stats *stats)
{
    const struct rl_loss_batch b = {.n_seq = p->n_seq,
                                    .start = p->row_start,
                                    .advantage = p->advantage,
                                    .new_logp = p->logp,
                                    .old_logp = p->old_logp};
    rl_loss(ctx, &b, totals, ret_dlogp, stats);
}

/* AdamW's first moment after one step without clipping: the gradient, times 1 - beta1. */
static float *gradient(const struct model *m, enum loss_type type, struct rl_sequence *seqs,
                       int threads, int tokens_per_batch, struct rl_step_stats *stats)
{
    const struct recipe_adamw adamw = {.betas = {0, .9}, .eps = 1e-8};
    const struct rl_loss_options opt = {.type = type,
                                        .epsilon = .2,
                                        .epsilon_high = type == LOSS_CISPO ? 5 : .28,
                                        .max_completion = LENGTH_MAX};
    struct err err = {0};
    struct model copy;
    struct rl_learner *l;
    struct team *team = team_start(threads);
    assert_int_equal(model_copy(m, &copy), 0);
    assert_int_equal(rl_learner_new(&copy, team, &adamw, &l, &err), 0);
    rl_learner_step(l, seqs, SEQUENCES, tokens_per_batch, 1, objective, &opt, 0, stats);
    float *g = xcalloc(m->n_params, sizeof *g);
    memcpy(g, rl_learner_adamw(l)->m, m->n_params * sizeof *g);
    rl_learner_free(l);
    model_free(&copy);
    team_stop(team);
    return g;
}

static void expect_equal(const float *a, const float *b, size_t n)
{
    float largest = 0, apart = 0;
    for (size_t i = 0; i < n; i++) {
        largest = fmaxf(largest, fabsf(a[i]));
        apart = fmaxf(apart, fabsf(a[i] - b[i]));
    }
    assert_true(largest > 0);
    assert_true(apart <= 1e-5f * largest);
}

static void the_gradient_is_the_batchs_own(void **state)
{
    (void)state;
    struct model m;
    struct err err = {0};
    static struct data alone, groups;
    assert_int_equal(model_create(&config, 5, &m, &err), 0);
    make_data(&alone, 1);
    make_data(&groups, 6);
    struct data *const kinds[] = {&alone, &groups};
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct rl_step_stats one, other;
        float *want =
            gradient(&m, LOSS_DAPO, kinds[k]->v, 1, 1, &one); /* each sequence by itself */
        for (int threads = 1; threads <= 3; threads++)
            for (int tokens = 50; tokens <= 5000; tokens *= 10) {
                /* Any order. */
                struct rl_sequence first = kinds[k]->v[0];
                memmove(kinds[k]->v, kinds[k]->v + 1, (SEQUENCES - 1) * sizeof first);
                kinds[k]->v[SEQUENCES - 1] = first;
                float *got = gradient(&m, LOSS_DAPO, kinds[k]->v, threads, tokens, &other);
                expect_equal(want, got, m.n_params);
                assert_true(fabs(one.loss.loss - other.loss.loss) < 1e-5);
                assert_true(fabs(one.entropy - other.entropy) < 1e-5);
                assert_int_equal(one.loss.tokens, other.loss.tokens);
                assert_true(other.tokens <= one.tokens);
                free(got);
            }
        free(want);
    }
    model_free(&m);
}

/* Whatever an objective divides by is counted over the whole batch, but for bnpo, which is made
 * otherwise: its micro-batches count alike. */
static void every_denominator_is_the_batchs(void **state)
{
    (void)state;
    struct model m;
    struct err err = {0};
    static struct data groups;
    assert_int_equal(model_create(&config, 5, &m, &err), 0);
    make_data(&groups, 6);
    for (int type = LOSS_DAPO; type <= LOSS_SUM_NORM; type++) {
        struct rl_step_stats one, cut;
        float *want = gradient(&m, (enum loss_type)type, groups.v, 1, 5000, &one),
              *got = gradient(&m, (enum loss_type)type, groups.v, 3, 60, &cut);
        if (type == LOSS_BNPO) {
            assert_true(fabs(one.loss.loss - cut.loss.loss) > 1e-5);
        } else {
            expect_equal(want, got, m.n_params);
            assert_true(fabs(one.loss.loss - cut.loss.loss) < 1e-5);
            assert_true(fabs(one.grad_norm - cut.grad_norm) < 1e-5 * one.grad_norm);
        }
        free(want);
        free(got);
    }
    model_free(&m);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_is_the_batchs_own),
        cmocka_unit_test(every_denominator_is_the_batchs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
