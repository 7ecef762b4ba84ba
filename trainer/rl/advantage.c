#include "trainer/rl/advantage.h"

#include <math.h>

#include "base/check.h"

#define WHITEN_EPS 1e-8

struct moments {
    int n;
    double mean, std; /* std: 0 for fewer than two values */
    bool constant;    /* every graded value is the same number */
};

/* Of the x[i] whose `graded[i]` is a number. */
static struct moments moments_of(const struct rl_advantage_options *opt, const double *x,
                                 const double *graded, int n)
{
    struct moments m = {.constant = true};
    double first = NAN, sum = 0, squares = 0;
    for (int i = 0; i < n; i++) {
        if (isnan(graded[i]))
            continue;
        if (m.n++ == 0)
            first = x[i];
        m.constant &= x[i] == first;
        sum += x[i];
    }
    m.mean = m.n ? sum / m.n : NAN;
    for (int i = 0; i < n; i++)
        if (!isnan(graded[i]))
            squares += (x[i] - m.mean) * (x[i] - m.mean);
    m.std = m.n > 1 && !m.constant ? sqrt(squares / (m.n - !opt->population)) : 0;
    return m;
}

static bool is_constant(struct moments m)
{
    return m.n < 2 || m.constant;
}

/* The advantage of reward r in a group that has a difference. `batch`: of all rewards. */
static double advantage_of(const struct rl_advantage_options *opt, double r, struct moments m,
                           const struct moments *batch)
{
    double centred = r - m.mean;
    switch (opt->estimator) {
    case ADVANTAGE_RLOO:
        return centred * m.n / (m.n - 1);
    case ADVANTAGE_MAX_RL:
        return m.mean > 0 ? centred / m.mean : 0;
    case ADVANTAGE_REINFORCE_PP_BASELINE:
        return centred;
    case ADVANTAGE_REINFORCE_PP:
        return r;
    case ADVANTAGE_GRPO:
        break;
    }
    return opt->scale == SCALE_GROUP   ? centred / (m.std + opt->eps)
           : opt->scale == SCALE_BATCH ? centred / (batch->std + opt->eps)
                                       : centred;
}

/* To mean 0 and variance 1 over the tokens that carry the values. */
static void whiten(const double *rewards, const int *lengths, int n, double *a)
{
    double tokens = 0, mean = 0, squares = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(rewards[i])) {
            tokens += lengths[i];
            mean += a[i] * lengths[i];
        }
    mean = tokens > 0 ? mean / tokens : 0;
    for (int i = 0; i < n; i++)
        if (!isnan(rewards[i]))
            squares += (a[i] - mean) * (a[i] - mean) * lengths[i];
    double scale = tokens > 1 ? 1 / sqrt(squares / (tokens - 1) + WHITEN_EPS) : 0;
    for (int i = 0; i < n; i++)
        a[i] = isnan(rewards[i]) ? 0 : (a[i] - mean) * scale;
}

static bool all_zero(const double *a, int n)
{
    for (int i = 0; i < n; i++)
        if (a[i] != 0)
            return false;
    return true;
}

void rl_advantages(const struct rl_advantage_options *opt, const double *rewards,
                   const int *lengths, int n_groups, int group, double *ret_advantage,
                   bool *ret_dead, struct rl_advantage_stats *ret_stats)
{
    const bool absolute = opt->estimator == ADVANTAGE_REINFORCE_PP,
               over_tokens = absolute || opt->estimator == ADVANTAGE_REINFORCE_PP_BASELINE;
    struct moments all = moments_of(opt, rewards, rewards, n_groups * group);
    struct rl_advantage_stats stats = {.graded = all.n, .reward_mean = all.mean};
    for (int g = 0; g < n_groups; g++) {
        const double *r = rewards + g * group;
        double *a = ret_advantage + g * group;
        struct moments m = moments_of(opt, r, r, group);
        bool silent = absolute ? is_constant(all) : is_constant(m);
        for (int i = 0; i < group; i++)
            a[i] = silent || isnan(r[i]) ? 0 : advantage_of(opt, r[i], m, &all);
        stats.dead += is_constant(m);
        stats.reward_std += m.std / n_groups;
    }
    if (over_tokens && !is_constant(all)) {
        CHECK(lengths);
        whiten(rewards, lengths, n_groups * group, ret_advantage);
    }
    for (int g = 0; ret_dead && g < n_groups; g++)
        ret_dead[g] = all_zero(ret_advantage + g * group, group);
    *ret_stats = stats;
}

void rl_advantages_each(const struct rl_advantage_options *opt, const double *const *rewards,
                        const double *weights, int n_rewards, int n_groups, int group,
                        double *ret_advantage, bool *ret_dead, struct rl_advantage_stats *ret_stats)
{
    const int n = n_groups * group;
    rl_advantages(opt, rewards[0], NULL, n_groups, group, ret_advantage, NULL, ret_stats);
    for (int i = 0; i < n; i++) {
        ret_advantage[i] = 0; /* NaN from here on: some reward failed */
        for (int k = 0; k < n_rewards; k++)
            ret_advantage[i] = isnan(rewards[k][i]) ? NAN : ret_advantage[i];
    }
    for (int g = 0; g < n_groups; g++)
        for (int k = 0; k < n_rewards; k++) {
            const double *r = rewards[k] + g * group;
            double *a = ret_advantage + g * group;
            struct moments m = moments_of(opt, r, a, group);
            for (int i = 0; i < group && !is_constant(m); i++)
                a[i] += isnan(a[i]) ? 0 : weights[k] * (r[i] - m.mean) / (m.std + opt->eps);
        }
    struct moments all = moments_of(opt, ret_advantage, ret_advantage, n);
    ret_stats->dead = 0;
    for (int g = 0; g < n_groups; g++) {
        double *a = ret_advantage + g * group;
        bool silent = is_constant(moments_of(opt, a, a, group));
        for (int i = 0; i < group; i++)
            a[i] = silent || isnan(a[i]) ? 0 : (a[i] - all.mean) / (all.std + opt->eps);
        ret_stats->dead += silent;
        if (ret_dead)
            ret_dead[g] = silent;
    }
}
