/* run.h: what the stages of one run share: the recipe, the policy and its tokenizer, the team of
 * cores, the grader, and where a run tells what happens. */
#ifndef ASSAY_RL_RUN_H
#define ASSAY_RL_RUN_H

#include "trainer/client/client.h"
#include "trainer/client/process.h"
#include "trainer/kernels/team.h"
#include "trainer/rl/progress.h"
#include "trainer/rl/recipe.h"
#include "trainer/rl/runlog.h"
#include "trainer/rl/task.h"

/* The number that tells the best checkpoint: recipe.best_metric. */
struct watched {
    double sum; /* of the steps since the last checkpoint */
    int n;
    double value; /* of the last checkpoint, while no step has been made since; else NaN */
};

struct rl_run {
    const struct recipe *recipe;
    struct team *team;
    struct model model;
    struct tokenizer *tok;
    struct verifier_process *verifier; /* NULL: the recipe names a verifier */
    char verifier_log
        [VERIFIER_LOG_PATH]; /* its stderr while the run goes on; "" when there is none */
    int verifier_log_fd;
    struct client *client;
    struct verifier_seen *verifiers; /* verifiers.h */
    struct runlog *log;              /* NULL: nothing is recorded */
    struct progress *progress;       /* NULL: nothing is shown */
    bool (*stop)(void *ctx);         /* polled; true ends the run with -EINTR. NULL: never */
    struct watched watched;
    /* Totals, for the summary. */
    int64_t verdicts, infra, tokens_sampled, tokens_trained;
};

/* All that the next step of a stage depends on besides the policy itself. */
struct stage_state {
    int step;       /* steps done */
    int64_t cursor; /* problems drawn (GRPO) */
    const struct adamw *adamw;
    const struct model *reference; /* GRPO with beta; else NULL */
};

/* Called every save_every steps of a stage. */
typedef int (*stage_save)(void *ctx, struct rl_run *run, int stage, const struct stage_state *state,
                          struct err *err);

/* 0, or -EINTR with the reason when someone asked the run to end. */
int rl_run_stopped(const struct rl_run *run, struct err *err);
/* After a step of a stage, on all ranks: saves every `every` steps (0: never), and when a rank was asked
 * to end, which ends all with -EINTR. `save` may be NULL. */
int rl_run_step_done(struct rl_run *run, int stage, const struct stage_state *state, int every,
                     stage_save save, void *ctx, struct err *err);
/* The problems of recipe source `source`, with prompts in tokens. */
int rl_run_tasks(struct rl_run *run, int source, struct task_set *ret, struct err *err);
/* One line of metrics, if the run records any; takes over `line`. Watches recipe.best_metric. */
int rl_run_metrics(struct rl_run *run, json_t *line, struct err *err);
/* The watched number's mean since the last checkpoint, for a new one; NaN: there is none. */
double rl_run_watched(struct rl_run *run);
/* GRPO steps of all stages before `stage`. */
int rl_grpo_steps(const struct recipe *r, int stage);
/* Sets a number, unless it is NaN or infinite, which JSON cannot hold. */
void json_set_number(json_t *object, const char *key, double value);
/* Sets "PREFIXnot-code" ... "PREFIXfaster". */
void json_set_grades(json_t *object, const char *prefix, const int grades[GRADE_COUNT]);

/* A model that was just loaded computes as the recipe says. */
void rl_compute_as(const struct recipe *r, struct model *m);

/* The seed of one use of randomness: uses never share a stream, stages neither. */
enum rl_seed {
    SEED_MODEL,
    SEED_SFT,
    SEED_PROBLEMS,
    SEED_MINIBATCHES,
    SEED_SAMPLING,
    SEED_EVAL,
    SEED_LORA
};
uint64_t rl_seed(uint64_t seed, enum rl_seed use, int stage);

#endif
