#include "trainer/rl/advantage.h"

#include <math.h>

struct moments {
    int n;
    double mean, std; /* std: n - 1 in the denominator; 0 for fewer than two values */
    bool constant;    /* every graded value is the same number */
};

static struct moments moments_of(const double *x, int n)
{
    struct moments m = {.constant = true};
    double first = NAN, sum = 0, squares = 0;
    for (int i = 0; i < n; i++) {
        if (isnan(x[i]))
            continue;
        if (m.n++ == 0)
            first = x[i];
        m.constant &= x[i] == first;
        sum += x[i];
    }
    m.mean = m.n ? sum / m.n : NAN;
    for (int i = 0; i < n; i++)
        if (!isnan(x[i]))
            squares += (x[i] - m.mean) * (x[i] - m.mean);
    m.std = m.n > 1 && !m.constant ? sqrt(squares / (m.n - 1)) : 0;
    return m;
}

void rl_advantages(const double *rewards, int n_groups, int group, enum scale_rewards scale,
                   double *ret_advantage, bool *ret_dead, struct rl_advantage_stats *ret_stats)
{
    struct moments all = moments_of(rewards, n_groups * group);
    struct rl_advantage_stats stats = {.graded = all.n, .reward_mean = all.mean};
    for (int g = 0; g < n_groups; g++) {
        const double *r = rewards + g * group;
        double *a = ret_advantage + g * group;
        struct moments m = moments_of(r, group);
        bool dead = m.n < 2 || m.constant;
        double divisor = scale == SCALE_GROUP   ? m.std + RL_ADVANTAGE_EPS
                         : scale == SCALE_BATCH ? all.std + RL_ADVANTAGE_EPS
                                                : 1;
        for (int i = 0; i < group; i++)
            a[i] = dead || isnan(r[i]) ? 0 : (r[i] - m.mean) / divisor;
        stats.dead += dead;
        stats.reward_std += m.std / n_groups;
        if (ret_dead)
            ret_dead[g] = dead;
    }
    *ret_stats = stats;
}
