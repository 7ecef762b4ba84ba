#include "trainer/rl/loss.h"

#include <math.h>

#include "base/check.h"

/* exp(20) is far past every clip bound; the limit keeps one absurd token from overflowing the
 * sums. */
#define LOG_RATIO_MAX 20.0

/* One token's policy term and its derivatives: by log rho, and (cispo) by the log-probability
 * itself. */
struct term {
    double value, by_log_ratio, by_logp;
    bool low, high;
};

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static struct term term_cispo(const struct rl_loss_options *opt, double ratio, double logp,
                              double a)
{
    double low = opt->two_sided ? 1 - opt->epsilon : 0,
           high = opt->two_sided ? 1 + opt->epsilon_high : opt->epsilon_high,
           capped = clamp(ratio, low, high);
    return (struct term){
        .value = -capped * a * logp,
        .by_logp = -capped * a,
        .low = ratio < low && a<0, .high = ratio> high && a > 0,
    };
}

static struct term term_sapo(double ratio, double a)
{
    double tau = a > 0 ? 1.0 : 1.05, gate = 1 / (1 + exp(-tau * (ratio - 1)));
    return (struct term){
        .value = -gate * 4 / tau * a,
        .by_log_ratio = -4 * gate * (1 - gate) * ratio * a,
    };
}

static struct term term_clipped(const struct rl_loss_options *opt, double ratio, double a)
{
    double low = 1 - opt->epsilon, high = 1 + opt->epsilon_high;
    bool bounded = opt->delta > 0 && ratio > opt->delta;
    double free = bounded ? opt->delta : ratio, clipped = clamp(ratio, low, high);
    bool take_free = free * a <= clipped * a;
    bool moves = take_free ? !bounded : ratio >= low && ratio <= high;
    return (struct term){
        .value = -(take_free ? free : clipped) * a,
        .by_log_ratio = moves ? -ratio * a : 0,
        .low = ratio < low && a<0, .high = ratio> high && a > 0,
    };
}

/* What each token's term of a sequence of `length` tokens is multiplied by. */
static double token_weight(const struct rl_loss_options *opt, const struct rl_loss_batch *b,
                           const struct rl_loss_totals *t, int length)
{
    switch (opt->type) {
    case LOSS_GRPO:
    case LOSS_GSPO:
    case LOSS_SAPO:
        return 1.0 / ((double)length * (double)t->sequences);
    case LOSS_BNPO:
        return 1.0 / ((double)b->start[b->n_seq] * (double)t->micro_batches);
    case LOSS_DR_GRPO:
        return 1.0 / ((double)opt->max_completion * (double)t->sequences);
    case LOSS_SUM_NORM:
        return 1.0 / (double)opt->max_completion;
    case LOSS_DAPO:
    case LOSS_CISPO:
        break;
    }
    return 1.0 / (double)t->tokens;
}

static double mean_log_ratio(const struct rl_loss_batch *b, int from, int to)
{
    double sum = 0;
    for (int i = from; i < to; i++)
        sum += (double)b->new_logp[i] - b->old_logp[i];
    return sum / (to - from);
}

static struct term term_of(const struct rl_loss_options *opt, double ratio, double logp, double a)
{
    return opt->type == LOSS_CISPO  ? term_cispo(opt, ratio, logp, a)
           : opt->type == LOSS_SAPO ? term_sapo(ratio, a)
                                    : term_clipped(opt, ratio, a);
}

/* The divergence at one token; by_log_ratio is filled where it is weighted by rho. */
static struct term divergence(const struct rl_loss_options *opt, double ratio, double gap)
{
    gap = clamp(gap, -LOG_RATIO_MAX, LOG_RATIO_MAX);
    double k = opt->kl == KL_K1   ? -gap
               : opt->kl == KL_K2 ? gap * gap / 2
                                  : exp(gap) - gap - 1,
           by_logp = opt->kl == KL_K1   ? 1
                     : opt->kl == KL_K2 ? -gap
                                        : 1 - exp(gap);
    double weight = opt->kl_by_ratio ? ratio : 1;
    return (struct term){.value = weight * k,
                         .by_logp = weight * by_logp,
                         .by_log_ratio = opt->kl_by_ratio ? weight * k : 0};
}

static void loss_sequence(const struct rl_loss_options *opt, const struct rl_loss_batch *b, int s,
                          double weight, float *ret_dlogp, struct rl_loss_stats *stats)
{
    int from = b->start[s], to = b->start[s + 1];
    bool whole = opt->importance == IMPORTANCE_SEQUENCE || opt->type == LOSS_GSPO;
    double shared = whole ? mean_log_ratio(b, from, to) : 0, by_shared = 0;
    for (int i = from; i < to; i++) {
        double logp = b->new_logp[i], log_ratio = whole ? shared : logp - b->old_logp[i];
        double ratio = exp(clamp(log_ratio, -LOG_RATIO_MAX, LOG_RATIO_MAX)), a = b->advantage[s];
        struct term t = term_of(opt, ratio, logp, a);
        if (opt->beta > 0) {
            struct term k = divergence(opt, ratio, b->ref_logp[i] - logp);
            t.value += opt->beta * k.value;
            t.by_logp += opt->beta * k.by_logp;
            t.by_log_ratio += opt->beta * k.by_log_ratio;
            stats->kl += k.value;
        }
        by_shared += t.by_log_ratio;
        ret_dlogp[i] = (float)(weight * (t.by_logp + (whole ? 0 : t.by_log_ratio)));
        stats->loss += weight * t.value;
        double moved = fabs(logp - b->old_logp[i]);
        stats->gap += moved;
        stats->gap_max = fmax(stats->gap_max, moved);
        stats->ratio += ratio;
        stats->ratio_max = fmax(stats->ratio_max, ratio);
        stats->clip_low += t.low;
        stats->clip_high += t.high;
    }
    if (whole) /* each token moves the shared log ratio by 1/length */
        for (int i = from; i < to; i++)
            ret_dlogp[i] += (float)(weight * by_shared / (to - from));
    stats->tokens += to - from;
}

void rl_loss(const struct rl_loss_options *opt, const struct rl_loss_batch *batch,
             const struct rl_loss_totals *totals, float *ret_dlogp, struct rl_loss_stats *stats)
{
    CHECK((opt->type != LOSS_DR_GRPO && opt->type != LOSS_SUM_NORM) || opt->max_completion > 0);
    CHECK(opt->beta <= 0 || batch->ref_logp);
    for (int s = 0; s < batch->n_seq; s++) {
        int length = batch->start[s + 1] - batch->start[s];
        if (length > 0)
            loss_sequence(opt, batch, s, token_weight(opt, batch, totals, length), ret_dlogp,
                          stats);
    }
}

void rl_loss_stats_add(struct rl_loss_stats *to, const struct rl_loss_stats *from)
{
    to->loss += from->loss;
    to->kl += from->kl;
    to->gap += from->gap;
    to->gap_max = fmax(to->gap_max, from->gap_max);
    to->ratio += from->ratio;
    to->ratio_max = fmax(to->ratio_max, from->ratio_max);
    to->clip_low += from->clip_low;
    to->clip_high += from->clip_high;
    to->tokens += from->tokens;
}
