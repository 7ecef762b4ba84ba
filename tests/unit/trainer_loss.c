/* Objectives: values worked out by hand from the published formulae, and derivatives against
 * central differences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/rng.h"
#include "trainer/rl/loss.h"

#define NEAR(got, want) assert_true(fabs((double)(got) - (double)(want)) < 1e-6)

static const int START[3] = {0, 2, 5};
static const double ADVANTAGE[2] = {1, -.5};
static const float OLD[5] = {-1, -.5f, -2, -1, -.2f}, NEW[5] = {-.7f, -.6f, -1.5f, -1.3f, -.2f},
                   REF[5] = {-1.1f, -.5f, -2, -1.2f, -.3f};
static const struct rl_loss_totals TOTALS = {.sequences = 2, .tokens = 5, .micro_batches = 1};

static struct rl_loss_options options(enum loss_type type)
{
    return (struct rl_loss_options){.type = type,
                                    .epsilon = .2,
                                    .epsilon_high = type == LOSS_CISPO ? 5 : .28,
                                    .max_completion = 8};
}

static struct rl_loss_stats two_sequences(const struct rl_loss_options *opt, float *dlogp)
{
    const struct rl_loss_batch b = {.n_seq = 2,
                                    .start = START,
                                    .advantage = ADVANTAGE,
                                    .new_logp = NEW,
                                    .old_logp = OLD,
                                    .ref_logp = REF};
    struct rl_loss_stats s = {0};
    rl_loss(opt, &b, &TOTALS, dlogp, &s);
    return s;
}

static void each_type_has_its_denominator(void **state)
{
    (void)state;
    float d[5];
    const struct {
        enum loss_type type;
        double plain, with_kl;
    } rows[] = {
        {LOSS_GRPO, -.2588159, -.2572841},     {LOSS_DAPO, -.0920954, -.0905591},
        {LOSS_BNPO, -.0920954, -.0905591},     {LOSS_DR_GRPO, -.0287798, -.0282997},
        {LOSS_SUM_NORM, -.0575596, -.0565994},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct rl_loss_options opt = options(rows[i].type);
        NEAR(two_sequences(&opt, d).loss, rows[i].plain);
        opt.beta = .04;
        NEAR(two_sequences(&opt, d).loss, rows[i].with_kl);
    }
}

static void token_terms(void **state)
{
    (void)state;
    const double want[5] = {-1.28, -.904837, .824361, .4, .5},
                 k3[5] = {.070320, .005171, .106531, .005171, .004837};
    for (int s = 0; s < 2; s++) {
        for (int i = START[s]; i < START[s + 1]; i++) {
            const int one[2] = {0, 1};
            const struct rl_loss_totals totals = {1, 1, 1};
            struct rl_loss_options opt = options(LOSS_DAPO);
            struct rl_loss_batch b = {1, one, &ADVANTAGE[s], &NEW[i], &OLD[i], &REF[i]};
            struct rl_loss_stats stats = {0};
            float d;
            rl_loss(&opt, &b, &totals, &d, &stats);
            NEAR(stats.loss, want[i]);
            opt.beta = 1;
            stats = (struct rl_loss_stats){0};
            rl_loss(&opt, &b, &totals, &d, &stats);
            NEAR(stats.kl, k3[i]);
        }
    }
}

static void bounds(void **state)
{
    (void)state;
    float d[5];
    struct rl_loss_options opt = options(LOSS_GRPO);
    opt.epsilon_high = .2;
    NEAR(two_sequences(&opt, d).loss, -.2388159);
    opt.type = LOSS_DAPO;
    struct rl_loss_stats s = two_sequences(&opt, d);
    NEAR(s.loss, -.0760954);
    NEAR(s.clip_high, 1); /* exp(.3) > 1.2 with A > 0 */
    NEAR(s.clip_low, 1);  /* exp(-.3) < .8 with A < 0 */
    assert_true(d[0] == 0 && d[3] == 0 && d[1] != 0);
    assert_int_equal(s.tokens, 5);
    NEAR(s.gap_max, .5);
    opt = options(LOSS_DAPO);
    opt.delta = 1.5;
    NEAR(two_sequences(&opt, d).loss, -.1069674);
    assert_true(d[2] == 0); /* exp(.5) is past delta */
}

static void sequence_level(void **state)
{
    (void)state;
    float d[5];
    struct rl_loss_options opt = options(LOSS_GRPO);
    opt.importance = IMPORTANCE_SEQUENCE;
    struct rl_loss_stats s = two_sequences(&opt, d);
    NEAR(s.loss, -.2853507);
    NEAR(s.ratio_max, 1.105171);
    opt.epsilon = 3e-4;
    opt.epsilon_high = 4e-4;
    NEAR(two_sequences(&opt, d).loss, -.2329652);
}

static void cispo(void **state)
{
    (void)state;
    float d[5];
    struct rl_loss_options opt = options(LOSS_CISPO);
    NEAR(two_sequences(&opt, d).loss, -.0660538);
    opt.two_sided = true;
    opt.epsilon_high = .28;
    NEAR(two_sequences(&opt, d).loss, -.0282195);
}

static void sapo(void **state)
{
    (void)state;
    float d[5];
    struct rl_loss_options opt = options(LOSS_SAPO);
    NEAR(two_sequences(&opt, d).loss, -.5560238);
}

/* gspo is the name of grpo with the sequence's ratio. */
static void gspo(void **state)
{
    (void)state;
    float d[5];
    struct rl_loss_options opt = options(LOSS_GSPO);
    NEAR(two_sequences(&opt, d).loss, -.2853507);
}

/* k1, k2, k3 of ref - new = -.4, .1, -.5, .1, -.1; their slopes; their weighting by the ratio. */
static void divergences(void **state)
{
    (void)state;
    const double gap[5] = {-.4, .1, -.5, .1, -.1};
    for (int kl = KL_K3; kl <= KL_K1; kl++)
        for (int by_ratio = 0; by_ratio < 2; by_ratio++)
            for (int q = 0; q < 2; q++)
                for (int i = START[q]; i < START[q + 1]; i++) {
                    const int one[2] = {0, 1};
                    const double zero = 0;
                    const struct rl_loss_totals totals = {1, 1, 1};
                    struct rl_loss_options opt = options(LOSS_DAPO);
                    opt.beta = 1;
                    opt.kl = (enum kl_estimator)kl;
                    opt.kl_by_ratio = by_ratio;
                    struct rl_loss_batch b = {1, one, &zero, &NEW[i], &OLD[i], &REF[i]};
                    struct rl_loss_stats stats = {0};
                    float d;
                    rl_loss(&opt, &b, &totals, &d, &stats);
                    double g = gap[i], w = by_ratio ? exp((double)NEW[i] - OLD[i]) : 1,
                           k = kl == KL_K1   ? -g
                               : kl == KL_K2 ? g * g / 2
                                             : exp(g) - g - 1,
                           slope = kl == KL_K1   ? 1
                                   : kl == KL_K2 ? -g
                                                 : 1 - exp(g);
                    NEAR(stats.loss, w * k);
                    NEAR(stats.kl, w * k);
                    NEAR(d, w * slope + (by_ratio ? w * k : 0));
                }
}

/* Micro-batches with the totals of the whole batch add up to the whole batch: the denominators
 * are global. */
static void micro_batches_add_up(void **state)
{
    (void)state;
    const enum loss_type types[] = {LOSS_GRPO, LOSS_DAPO, LOSS_DR_GRPO, LOSS_CISPO,
                                    LOSS_GSPO, LOSS_SAPO, LOSS_SUM_NORM};
    for (size_t t = 0; t < COUNT_OF(types); t++) {
        struct rl_loss_options opt = options(types[t]);
        float whole[5], part[5];
        struct rl_loss_stats all = two_sequences(&opt, whole), sum = {0};
        for (int s = 0; s < 2; s++) {
            const int start[2] = {0, START[s + 1] - START[s]}, at = START[s];
            struct rl_loss_batch b = {1, start, &ADVANTAGE[s], NEW + at, OLD + at, REF + at};
            struct rl_loss_stats one = {0};
            rl_loss(&opt, &b, &TOTALS, part + at, &one);
            rl_loss_stats_add(&sum, &one);
        }
        NEAR(sum.loss, all.loss);
        assert_int_equal(sum.tokens, all.tokens);
        assert_memory_equal(whole, part, sizeof whole);
    }
}

static double value_at(const struct rl_loss_options *opt, const struct rl_loss_batch *b,
                       float *new_logp, int i, float at, float *scratch)
{
    struct rl_loss_stats s = {0};
    struct rl_loss_totals totals = {b->n_seq, b->start[b->n_seq], 1};
    float kept = new_logp[i];
    new_logp[i] = at;
    rl_loss(opt, b, &totals, scratch, &s);
    new_logp[i] = kept;
    return s.loss;
}

static void derivatives(void **state)
{
    (void)state;
    enum { SEQUENCES = 6, TOKENS = 31 };
    const int start[SEQUENCES + 1] = {0, 1, 6, 13, 14, 22, TOKENS};
    struct rng r = rng_make(7, 0);
    int compared = 0;
    /* Not cispo, whose weight is a constant to the derivative. */
    const enum loss_type types[] = {LOSS_DAPO, LOSS_GRPO, LOSS_BNPO,    LOSS_DR_GRPO,
                                    LOSS_GSPO, LOSS_SAPO, LOSS_SUM_NORM};
    for (int round = 0; round < 70; round++) {
        struct rl_loss_options opt = {.type = types[round % 7],
                                      .importance = (enum importance_level)(round / 7 % 2),
                                      .epsilon = .2,
                                      .epsilon_high = .28,
                                      .delta = round % 3 ? 0 : 1.1 + .5 * (round % 2),
                                      .beta = round % 5 ? 0 : .1,
                                      .kl = (enum kl_estimator)(round % 3),
                                      .kl_by_ratio = round % 2,
                                      .max_completion = 16};
        float new_logp[TOKENS], old[TOKENS], ref[TOKENS], d[TOKENS], scratch[TOKENS];
        double advantage[SEQUENCES];
        for (int i = 0; i < TOKENS; i++) {
            new_logp[i] = (float)(-2 * rng_uniform(&r));
            old[i] = new_logp[i] + (float)(.4 * rng_normal(&r));
            ref[i] = new_logp[i] + (float)(.4 * rng_normal(&r));
        }
        for (int s = 0; s < SEQUENCES; s++)
            advantage[s] = rng_normal(&r);
        struct rl_loss_batch b = {SEQUENCES, start, advantage, new_logp, old, ref};
        struct rl_loss_totals totals = {SEQUENCES, TOKENS, 1};
        struct rl_loss_stats stats = {0};
        rl_loss(&opt, &b, &totals, d, &stats);
        for (int i = 0; i < TOKENS; i++) {
            const float h = 0x1p-10f;
            double up = value_at(&opt, &b, new_logp, i, new_logp[i] + h, scratch);
            double here = stats.loss,
                   down = value_at(&opt, &b, new_logp, i, new_logp[i] - h, scratch);
            double kink =
                fabs(up - 2 * here +
                     down); /* a bound lies inside the interval: no derivative to compare */
            double slope = (up - down) / ((double)(new_logp[i] + h) - (double)(new_logp[i] - h));
            if (kink > 1e-6)
                continue;
            assert_true(fabs(slope - d[i]) < 1e-3 * fmax(fabs(slope), 1e-2));
            compared++;
        }
    }
    assert_true(compared > 70 * TOKENS * 9 / 10);
}

/* The weight of cispo is a constant to the derivative, so differences of the value say nothing:
 * compare with the formula. */
static void cispo_derivative(void **state)
{
    (void)state;
    float d[5];
    struct rl_loss_options opt = options(LOSS_CISPO);
    opt.epsilon_high = 1.2;
    struct rl_loss_stats s = two_sequences(&opt, d);
    for (int q = 0; q < 2; q++)
        for (int i = START[q]; i < START[q + 1]; i++)
            NEAR(d[i], -fmin(exp((double)NEW[i] - OLD[i]), 1.2) * ADVANTAGE[q] / 5);
    NEAR(s.clip_high, 1);
}

static void no_move_means_ratio_one(void **state)
{
    (void)state;
    float d[5];
    struct rl_loss_options opt = options(LOSS_DAPO);
    struct rl_loss_batch b = {2, START, ADVANTAGE, OLD, OLD, REF};
    struct rl_loss_stats s = {0};
    rl_loss(&opt, &b, &TOTALS, d, &s);
    assert_true(s.ratio == 5 && s.ratio_max == 1 && s.gap_max == 0 && s.clip_low == 0 &&
                s.clip_high == 0);
    for (int q = 0; q < 2; q++)
        for (int i = START[q]; i < START[q + 1]; i++)
            NEAR(d[i], -ADVANTAGE[q] / 5);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_has_its_denominator),
        cmocka_unit_test(token_terms),
        cmocka_unit_test(bounds),
        cmocka_unit_test(sequence_level),
        cmocka_unit_test(cispo),
        cmocka_unit_test(sapo),
        cmocka_unit_test(gspo),
        cmocka_unit_test(divergences),
        cmocka_unit_test(micro_batches_add_up),
        cmocka_unit_test(derivatives),
        cmocka_unit_test(cispo_derivative),
        cmocka_unit_test(no_move_means_ratio_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
