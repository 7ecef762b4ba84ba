/* rollout.h: completions and their rewards. Sampling runs on the team's threads; each completion
 * goes to the verifier the moment it ends, so that grading hides behind the sampling of the
 * others. */
#ifndef ASSAY_RL_ROLLOUT_H
#define ASSAY_RL_ROLLOUT_H

#include "trainer/rl/run.h"

struct rollout {
    const struct task *task;
    int sample;      /* which of its group */
    int32_t *tokens; /* prompt and completion */
    int n_prompt, n_tokens;
    float *logp; /* of each completion token when it was sampled */
    struct buf text;
    bool truncated;                     /* ended by max_new, not by itself */
    json_t *verdict;                    /* NULL: none came */
    int grade;                          /* enum grade; -1: the grader failed */
    bool right;                         /* its tests pass, or, where answers count, it has that */
    double parts[REWARD_COUNT], reward; /* reward: weighted sum; NaN: the grader failed */
    double advantage;
    bool dead; /* all advantages of its group are 0: nothing to learn */
};

struct rollout_batch {
    struct rollout *v; /* completion k of the i-th task: v[i * group + k] */
    int n, group;
    int64_t tokens_sampled;
};

struct rollout_request {
    const struct task *const *tasks;
    const uint64_t
        *streams; /* per task: where its draws start; completion k draws from streams[i] + k */
    int n_tasks, group;
    struct recipe_sampling sampling;
    uint64_t seed;
    double weights[REWARD_COUNT];
    int overlong_buffer;
};

struct rollout_stats {
    int grades[GRADE_COUNT], reasons[REASON_COUNT], infra, right, truncated, n;
    int64_t tokens; /* of completions */
    int longest, shortest;
    int64_t terminated_tokens; /* of completions that ended by themselves */
    int terminated_longest, terminated_shortest;
    double part_sum[REWARD_COUNT], part_squares[REWARD_COUNT]; /* over graded completions */
    double sample_s, grade_wait_s; /* grade_wait: what grading took longer than sampling */
};

/* All completions sampled and graded, by all ranks together, for all of them. -EINTR when stopped; a verifier that is gone is an error. */
int rollout_run(struct rl_run *run, const struct rollout_request *req, struct rollout_batch *ret,
                struct rollout_stats *stats, struct err *err);
void rollout_free(struct rollout_batch *b);

/* One completion as completions/step_N.jsonl keeps it. */
json_t *rollout_json(const struct rollout *r);

#endif
