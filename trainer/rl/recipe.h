/* recipe.h: what a run is: one YAML file, read strictly into plain structs with every default
 * filled in.
 *
 * A recipe names problem specs (PATH[?key=value&...], see include/problem.h). The trainer never
 * opens such a file: its verifier does. `sources` is the list of all specs in the order of the
 * verifier's -p options; every use of a spec is an index into it. */
#ifndef ASSAY_RECIPE_H
#define ASSAY_RECIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "trainer/model/model.h"
#include "trainer/rl/rewards.h"
#include "trainer/text/chat.h"

enum stage_kind { STAGE_SFT, STAGE_GRPO, STAGE_EVAL };
enum loss_type {
    LOSS_DAPO,
    LOSS_GRPO,
    LOSS_BNPO,
    LOSS_DR_GRPO,
    LOSS_CISPO,
    LOSS_GSPO,
    LOSS_SAPO,
    LOSS_SUM_NORM
};
enum advantage_estimator {
    ADVANTAGE_GRPO,
    ADVANTAGE_RLOO,
    ADVANTAGE_REINFORCE_PP,
    ADVANTAGE_REINFORCE_PP_BASELINE,
    ADVANTAGE_MAX_RL
};
enum kl_estimator { KL_K3, KL_K2, KL_K1 };
enum reward_aggregation { SUM_THEN_NORMALIZE, NORMALIZE_THEN_SUM };
enum scale_rewards { SCALE_GROUP, SCALE_BATCH, SCALE_NONE };
enum importance_level { IMPORTANCE_TOKEN, IMPORTANCE_SEQUENCE };
enum lr_schedule { LR_COSINE, LR_LINEAR, LR_CONSTANT };

/* Where rows come from: a JSONL file of rows (path set, source -1), or a problem source of the
 * verifier. */
struct recipe_data {
    char *spec; /* as written */
    int source; /* index into recipe.sources, -1: a JSONL file at `spec` */
};

/* After `warmup` steps from 0 to `peak`, down to `peak * end` (a factor) at the last step. */
struct recipe_lr {
    double peak, end;
    int warmup, schedule; /* enum lr_schedule */
};

struct recipe_strings {
    char **v;
    int n;
};

/* Temperature 0 is greedy; top_p 1, min_p 0, top_k 0 and repetition_penalty 1 are off. */
struct recipe_sampling {
    double temperature, top_p, min_p, repetition_penalty;
    int top_k, max_new;
    struct recipe_strings stop; /* a completion ends with the first of these texts */
};

struct recipe_adamw {
    double betas[2], eps, weight_decay, clip;
};

/* rank 0: all weights are trained. */
struct recipe_lora {
    int rank;
    double alpha;
    struct recipe_strings targets; /* empty: every matrix of the layers */
};

struct recipe_sft {
    struct recipe_strings data_specs;
    struct recipe_data *data;                /* data_specs.n of them */
    int epochs, tokens_per_batch, max_steps; /* max_steps 0: as many as the epochs give */
    int save_every;                          /* steps; 0: never */
    struct recipe_lr lr;
    struct recipe_adamw adamw;
};

struct recipe_grpo {
    char *problems;
    int source;
    int steps, prompts_per_step, group;
    struct recipe_sampling sampling;
    struct recipe_lr lr;
    struct recipe_adamw adamw;
    double epsilon, epsilon_high, delta /* 0: off */, beta, scale_eps;
    int loss_type, advantage, scale_rewards, importance, kl, aggregation;
    bool two_sided;      /* cispo's ratio is clipped below as well */
    bool kl_by_ratio;    /* weight each token's divergence by its ratio */
    bool kl_in_reward;   /* beta times the divergence comes off the reward */
    bool population_std; /* deviations with n in the denominator */
    int num_iterations, minibatches, tokens_per_batch;
    bool mask_truncated;          /* truncated completions add nothing to the loss */
    bool dynamic_sampling;        /* refill groups whose rewards are all equal */
    double rewards[REWARD_COUNT]; /* weights */
    int overlong_buffer;          /* tokens before max_new over which the overlong penalty grows */
    int save_every, log_completions_every; /* steps; 0: never */
};

struct recipe_eval {
    char *name, *problems;
    int source;
    int samples, limit; /* limit 0: every problem */
    struct recipe_sampling sampling;
    bool greedy;                  /* one more pass with one greedy sample per problem */
    struct recipe_strings levels; /* empty: whatever levels the problems have */
};

struct recipe_stage {
    int kind;
    struct recipe_sft sft;
    struct recipe_grpo grpo;
    struct recipe_eval eval;
};

struct recipe {
    uint64_t seed;
    char *out;
    int threads;              /* 0: one per core */
    int keep_last, keep_best; /* checkpoints: the newest (0: all), and the best besides */
    char *best_metric;        /* what tells the best: see rl_run_watched; NULL: nothing */
    bool best_is_highest;
    int save_dtype;        /* of the final model: 0 f32, 1 bf16 */
    int chat;              /* enum chat: what stands around the prompt */
    char *system;          /* message before it, NULL for none */
    char *prompt_template; /* holds {prompt} once */
    char *model_adapter;   /* NULL, or an adapter of the model at model_path */
    struct recipe_lora lora;
    char *model_path; /* NULL: build `model` (vocab and special ids come from the tokenizer) */
    struct model_config model;
    bool recompute; /* the update makes activations again instead of keeping them */
    int compute;    /* enum model_compute: what products round their sides to */
    int tokenizer_vocab;
    struct recipe_strings
        tokenizer_texts; /* specs or JSONL files; empty: the data of the SFT stages */
    struct recipe_data *tokenizer_data;  /* tokenizer_texts.n of them */
    struct recipe_strings verifier_urls; /* empty: start our own */
    char *verifier_token_file;           /* NULL: they want no token */
    char *verifier_config;               /* its --config, NULL: none */
    struct recipe_strings verifier_problems;
    int verifier_slots; /* 0: one per core */
    bool verifier_timing;
    double verifier_deadline_s; /* longest wait for one verdict */
    struct recipe_stage *stages;
    int n_stages;
    struct recipe_strings sources; /* what the verifier must serve, in -p order */
};

/* Reads `path` and applies overrides ("grpo.lr=1e-4", "stages.2.steps=5", "model.path=dir"; a
 * stage's kind stands for all stages of that kind). Errors name file, line and key. */
int recipe_load(const char *path, const char *const *overrides, int n_overrides, struct recipe *ret,
                struct err *err);
/* The same from text; `name` stands for the file in messages. */
int recipe_parse(const char *name, struct str text, const char *const *overrides, int n_overrides,
                 struct recipe *ret, struct err *err);
/* Appends the resolved recipe as YAML, every default spelled out; recipe_parse reads it back to the
 * same recipe. */
void recipe_write(const struct recipe *r, struct buf *out);
void recipe_free(struct recipe *r);

/* Whether some stage is rewarded for final answers (rewards.math): they count in evaluation then. */
bool recipe_rewards_answers(const struct recipe *r);
/* Learning rate of 0-based `step` of `total`. */
double recipe_lr_at(const struct recipe_lr *lr, int step, int total);
/* Appends the prompt as the model sees it: in the template, and that in a conversation. */
void recipe_prompt(const struct recipe *r, struct str prompt, struct buf *out);

#endif
