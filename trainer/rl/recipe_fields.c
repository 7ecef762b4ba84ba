/* recipe_fields.c: the tables of every key, and the resolved recipe written from them. */
#include "trainer/rl/recipe_fields.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "trainer/model/lora.h"
#include "trainer/model/product.h"

static const char *const LOSS_NAMES[] = {"dapo", "grpo", "bnpo",     "dr_grpo", "cispo",
                                         "gspo", "sapo", "sum_norm", NULL};
static const char *const ADVANTAGE_NAMES[] = {
    "grpo", "rloo", "reinforce_plus_plus", "reinforce_plus_plus_baseline", "max_rl", NULL};
static const char *const KL_NAMES[] = {"k3", "k2", "k1", NULL};
static const char *const AGGREGATION_NAMES[] = {"sum_then_normalize", "normalize_then_sum", NULL};
static const char *const SCALE_NAMES[] = {"group", "batch", "none", NULL};
static const char *const IMPORTANCE_NAMES[] = {"token", "sequence", NULL};
static const char *const DTYPE_NAMES[] = {"f32", "bf16", NULL};
static const char *const SCHEDULE_NAMES[] = {"cosine", "linear", "constant", NULL};
const char *const RECIPE_STAGE_NAMES[] = {"sft", "grpo", "eval", NULL};

#define AT(type, member) .offset = offsetof(struct type, member)
#define COUNT(k, type, member, lo)                                                                 \
    {                                                                                              \
        .key = (k), .kind = INT, AT(type, member), .min = (lo), .max = 1e9                         \
    }
#define NUMBER(k, type, member, lo, hi)                                                            \
    {                                                                                              \
        .key = (k), .kind = REAL, AT(type, member), .min = (lo), .max = (hi)                       \
    }
#define SWITCH(k, type, member)                                                                    \
    {                                                                                              \
        .key = (k), .kind = BOOL, AT(type, member)                                                 \
    }
#define END                                                                                        \
    {                                                                                              \
        .key = NULL                                                                                \
    }

#define LR_FIELDS(type)                                                                            \
    NUMBER("lr", type, lr.peak, 0, 10), NUMBER("lr_end", type, lr.end, 0, 1),                      \
        COUNT("warmup", type, lr.warmup, 0),                                                       \
    {                                                                                              \
        .key = "schedule", .kind = CHOICE, AT(type, lr.schedule), .names = SCHEDULE_NAMES          \
    }

#define ADAMW_FIELDS(type)                                                                         \
    {.key = "betas", .kind = PAIR, AT(type, adamw.betas), .min = 0, .max = .99999999},             \
        NUMBER("eps", type, adamw.eps, 0, 1),                                                      \
        NUMBER("weight_decay", type, adamw.weight_decay, 0, 10),                                   \
        NUMBER("clip", type, adamw.clip, 0, 1e9)

#define SAMPLING_FIELDS(type)                                                                      \
    NUMBER("temperature", type, sampling.temperature, 0, 100),                                     \
        NUMBER("top_p", type, sampling.top_p, 1e-6, 1), COUNT("top_k", type, sampling.top_k, 0),   \
        NUMBER("min_p", type, sampling.min_p, 0, 1),                                               \
        NUMBER("repetition_penalty", type, sampling.repetition_penalty, 1e-3, 1e3),                \
        {.key = "stop", .kind = STRINGS, AT(type, sampling.stop)},                                 \
    {                                                                                              \
        .key = "max_new", .alias = "max_completion_length", .kind = INT,                           \
        AT(type, sampling.max_new), .min = 1, .max = 1e6                                           \
    }

static const struct field SFT_FIELDS[] = {
    {.key = "data", .kind = STRINGS, AT(recipe_sft, data_specs), .required = true},
    COUNT("epochs", recipe_sft, epochs, 1),
    COUNT("tokens_per_batch", recipe_sft, tokens_per_batch, 1),
    COUNT("max_steps", recipe_sft, max_steps, 0),
    COUNT("save_every", recipe_sft, save_every, 0),
    LR_FIELDS(recipe_sft),
    ADAMW_FIELDS(recipe_sft),
    END,
};

static const struct field REWARD_FIELDS[] = {
    NUMBER("grade", recipe_grpo, rewards[REWARD_GRADE], -1e6, 1e6),
    NUMBER("format", recipe_grpo, rewards[REWARD_FORMAT], -1e6, 1e6),
    NUMBER("language", recipe_grpo, rewards[REWARD_LANGUAGE], -1e6, 1e6),
    NUMBER("overlong", recipe_grpo, rewards[REWARD_OVERLONG], -1e6, 1e6),
    NUMBER("math", recipe_grpo, rewards[REWARD_MATH], -1e6, 1e6),
    NUMBER("cosine", recipe_grpo, rewards[REWARD_COSINE], -1e6, 1e6),
    NUMBER("length", recipe_grpo, rewards[REWARD_LENGTH], -1e6, 1e6),
    END,
};

static const struct field GRPO_FIELDS[] = {
    {.key = "problems", .kind = STRING, AT(recipe_grpo, problems), .required = true},
    COUNT("steps", recipe_grpo, steps, 1),
    COUNT("prompts_per_step", recipe_grpo, prompts_per_step, 1),
    {.key = "group",
     .alias = "num_generations",
     .kind = INT,
     AT(recipe_grpo, group),
     .min = 2,
     .max = 1e5},
    SAMPLING_FIELDS(recipe_grpo),
    LR_FIELDS(recipe_grpo),
    ADAMW_FIELDS(recipe_grpo),
    NUMBER("epsilon", recipe_grpo, epsilon, 0, 1),
    NUMBER("epsilon_high", recipe_grpo, epsilon_high, 0, 1e3),
    NUMBER("delta", recipe_grpo, delta, 0, 1e6),
    NUMBER("beta", recipe_grpo, beta, 0, 1e3),
    {.key = "kl_estimator", .kind = CHOICE, AT(recipe_grpo, kl), .names = KL_NAMES},
    {.key = "kl_by_ratio",
     .alias = "use_bias_correction_kl",
     .kind = BOOL,
     AT(recipe_grpo, kl_by_ratio)},
    SWITCH("kl_in_reward", recipe_grpo, kl_in_reward),
    {.key = "loss_type", .kind = CHOICE, AT(recipe_grpo, loss_type), .names = LOSS_NAMES},
    SWITCH("two_sided", recipe_grpo, two_sided),
    {.key = "advantage",
     .alias = "adv_estimator",
     .kind = CHOICE,
     AT(recipe_grpo, advantage),
     .names = ADVANTAGE_NAMES},
    NUMBER("scale_eps", recipe_grpo, scale_eps, 0, 1),
    SWITCH("population_std", recipe_grpo, population_std),
    {.key = "multi_objective_aggregation",
     .kind = CHOICE,
     AT(recipe_grpo, aggregation),
     .names = AGGREGATION_NAMES},
    {.key = "scale_rewards", .kind = CHOICE, AT(recipe_grpo, scale_rewards), .names = SCALE_NAMES},
    {.key = "importance_sampling_level",
     .kind = CHOICE,
     AT(recipe_grpo, importance),
     .names = IMPORTANCE_NAMES},
    COUNT("num_iterations", recipe_grpo, num_iterations, 1),
    COUNT("minibatches", recipe_grpo, minibatches, 1),
    COUNT("tokens_per_batch", recipe_grpo, tokens_per_batch, 1),
    {.key = "mask_truncated",
     .alias = "mask_truncated_completions",
     .kind = BOOL,
     AT(recipe_grpo, mask_truncated)},
    SWITCH("dynamic_sampling", recipe_grpo, dynamic_sampling),
    {.key = "rewards", .kind = GROUP, .fields = REWARD_FIELDS},
    COUNT("overlong_buffer", recipe_grpo, overlong_buffer, 1),
    COUNT("save_every", recipe_grpo, save_every, 0),
    COUNT("log_completions_every", recipe_grpo, log_completions_every, 0),
    END,
};

static const struct field EVAL_FIELDS[] = {
    {.key = "name", .kind = STRING, AT(recipe_eval, name)},
    {.key = "problems", .kind = STRING, AT(recipe_eval, problems), .required = true},
    {.key = "samples", .kind = INT, AT(recipe_eval, samples), .max = 1e5},
    COUNT("limit", recipe_eval, limit, 0),
    SAMPLING_FIELDS(recipe_eval),
    SWITCH("greedy", recipe_eval, greedy),
    {.key = "levels", .kind = STRINGS, AT(recipe_eval, levels)},
    END,
};

static const struct field MODEL_FIELDS[] = {
    {.key = "path", .kind = STRING, AT(recipe, model_path)},
    {.key = "adapter", .kind = STRING, AT(recipe, model_adapter)},
    {.key = "family", .kind = CHOICE, AT(recipe, model.family), .names = model_family_names},
    COUNT("layers", recipe, model.layers, 1),
    COUNT("width", recipe, model.width, 1),
    COUNT("heads", recipe, model.heads, 1),
    COUNT("kv_heads", recipe, model.kv_heads, 1),
    COUNT("head_dim", recipe, model.head_dim, 1),
    COUNT("ff", recipe, model.ff, 1),
    COUNT("max_positions", recipe, model.max_positions, 2),
    {.key = "rope_theta", .kind = FLOAT, AT(recipe, model.rope_theta), .min = 1, .max = 1e12},
    {.key = "norm_eps", .kind = FLOAT, AT(recipe, model.norm_eps), .min = 0, .max = 1},
    SWITCH("tied", recipe, model.tied),
    SWITCH("recompute", recipe, recompute),
    END,
};

static const struct field LORA_FIELDS[] = {
    {.key = "rank", .alias = "r", .kind = INT, AT(recipe, lora.rank), .max = LORA_RANK_MAX},
    {.key = "alpha",
     .alias = "lora_alpha",
     .kind = REAL,
     AT(recipe, lora.alpha),
     .min = 1e-6,
     .max = 1e6},
    {.key = "targets", .alias = "target_modules", .kind = STRINGS, AT(recipe, lora.targets)},
    END,
};

static const struct field TOKENIZER_FIELDS[] = {
    COUNT("vocab", recipe, tokenizer_vocab, 256),
    {.key = "texts", .kind = STRINGS, AT(recipe, tokenizer_texts)},
    END,
};

static const struct field VERIFIER_FIELDS[] = {
    {.key = "urls", .alias = "url", .kind = STRINGS, AT(recipe, verifier_urls)},
    {.key = "token_file", .kind = STRING, AT(recipe, verifier_token_file)},
    {.key = "config", .kind = STRING, AT(recipe, verifier_config)},
    {.key = "problems", .kind = STRINGS, AT(recipe, verifier_problems)},
    COUNT("slots", recipe, verifier_slots, 0),
    SWITCH("timing", recipe, verifier_timing),
    NUMBER("deadline", recipe, verifier_deadline_s, .1, 1e6),
    END,
};

static const struct field CHECKPOINT_FIELDS[] = {
    {.key = "keep_last",
     .alias = "save_total_limit",
     .kind = INT,
     AT(recipe, keep_last),
     .max = 1e9},
    COUNT("keep_best", recipe, keep_best, 0),
    {.key = "best_metric",
     .alias = "metric_for_best_model",
     .kind = STRING,
     AT(recipe, best_metric)},
    {.key = "best_is_highest",
     .alias = "greater_is_better",
     .kind = BOOL,
     AT(recipe, best_is_highest)},
    END,
};

const struct field RECIPE_FIELDS[] = {
    {.key = "seed", .kind = UINT64, AT(recipe, seed)},
    {.key = "out", .kind = STRING, AT(recipe, out)},
    COUNT("threads", recipe, threads, 0),
    {.key = "compute", .kind = CHOICE, AT(recipe, compute), .names = model_compute_names},
    {.key = "save_dtype", .kind = CHOICE, AT(recipe, save_dtype), .names = DTYPE_NAMES},
    {.key = "checkpoints", .kind = GROUP, .fields = CHECKPOINT_FIELDS},
    {.key = "chat_template", .kind = CHOICE, AT(recipe, chat), .names = chat_names},
    {.key = "system", .kind = STRING, AT(recipe, system)},
    {.key = "prompt_template", .kind = STRING, AT(recipe, prompt_template)},
    {.key = "model", .kind = GROUP, .fields = MODEL_FIELDS},
    {.key = "lora", .kind = GROUP, .fields = LORA_FIELDS},
    {.key = "tokenizer", .kind = GROUP, .fields = TOKENIZER_FIELDS},
    {.key = "verifier", .kind = GROUP, .fields = VERIFIER_FIELDS},
    END,
};

const struct field *const RECIPE_STAGE_FIELDS[] = {SFT_FIELDS, GRPO_FIELDS, EVAL_FIELDS};

/* The struct that the offsets of a stage's table count from. */
size_t recipe_stage_offset(int kind)
{
    return kind == STAGE_SFT    ? offsetof(struct recipe_stage, sft)
           : kind == STAGE_GRPO ? offsetof(struct recipe_stage, grpo)
                                : offsetof(struct recipe_stage, eval);
}

/* ---- writing -------------------------------------------------------------------------------- */

/* The shortest decimal that reads back to the same number. */
static void write_real(double x, bool single, struct buf *out)
{
    char text[32];
    if (fabs(x) < 1e6 && fabs(x - round(x)) <= 0) { /* 120, not 1.2e+02 */
        buf_printf(out, "%.0f", x);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        double back = strtod(text, NULL);
        if (single ? (float)back <= (float)x && (float)back >= (float)x : back <= x && back >= x)
            break;
    }
    buf_puts(out, text);
}

/* What YAML takes for a line end or refuses to see bare, though JSON does not: the character at
 * `s`, with *ret_bytes the bytes it has. 0: another one. */
static unsigned escape_at(const char *s, int *ret_bytes)
{
    static const struct {
        const char *first, *last;
        unsigned code; /* of the first */
    } ranges[] = {
        {"\x7f", "\x7f", 0x7f},
        {"\xc2\x80", "\xc2\x9f", 0x80},
        {"\xe2\x80\xa8", "\xe2\x80\xa9", 0x2028},
        {"\xef\xbb\xbf", "\xef\xbb\xbf", 0xfeff},
        {"\xef\xbf\xbe", "\xef\xbf\xbf", 0xfffe},
    };
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        size_t n = strlen(ranges[i].first);
        if (strncmp(s, ranges[i].first, n) >= 0 && strncmp(s, ranges[i].last, n) <= 0) {
            *ret_bytes = (int)n;
            return ranges[i].code + (unsigned char)s[n - 1] - (unsigned char)ranges[i].first[n - 1];
        }
    }
    return 0;
}

/* Double-quoted YAML is nearly a superset of JSON's strings. */
static void write_string(const char *s, struct buf *out)
{
    json_t *node = s ? json_string_nocheck(s) : json_null();
    char *quoted = check_alloc(json_dumps(node, JSON_ENCODE_ANY));
    int bytes = 1;
    for (const char *at = quoted; *at; at += bytes) {
        unsigned code = escape_at(at, &bytes);
        if (code) {
            buf_printf(out, "\\u%04x", code);
        } else {
            bytes = 1;
            buf_char(out, *at);
        }
    }
    free(quoted);
    json_decref(node);
}

static void write_fields(const struct field *fields, const char *base, int indent, struct buf *out)
{
    for (const struct field *f = fields; f->key; f++) {
        const void *at = base + f->offset;
        const struct recipe_strings *list = at;
        buf_printf(out, "%*s%s:%s", indent, "", f->key, f->kind == GROUP ? "" : " ");
        switch (f->kind) {
        case INT:
            buf_printf(out, "%d", *(const int *)at);
            break;
        case UINT64:
            buf_printf(out, "%llu", (unsigned long long)*(const uint64_t *)at);
            break;
        case REAL:
            write_real(*(const double *)at, false, out);
            break;
        case FLOAT:
            write_real((double)*(const float *)at, true, out);
            break;
        case BOOL:
            buf_puts(out, *(const bool *)at ? "true" : "false");
            break;
        case STRING:
            write_string(*(char *const *)at, out);
            break;
        case CHOICE:
            buf_puts(out, f->names[*(const int *)at]);
            break;
        case STRINGS:
            buf_char(out, '[');
            for (int i = 0; i < list->n; i++) {
                buf_puts(out, i ? ", " : "");
                write_string(list->v[i], out);
            }
            buf_char(out, ']');
            break;
        case PAIR:
            buf_char(out, '[');
            write_real(((const double *)at)[0], false, out);
            buf_puts(out, ", ");
            write_real(((const double *)at)[1], false, out);
            buf_char(out, ']');
            break;
        case GROUP:
            buf_char(out, '\n');
            write_fields(f->fields, base, indent + 2, out);
            continue;
        }
        buf_char(out, '\n');
    }
}

void recipe_write(const struct recipe *r, struct buf *out)
{
    write_fields(RECIPE_FIELDS, (const char *)r, 0, out);
    buf_puts(out, "stages:\n");
    for (int i = 0; i < r->n_stages; i++) {
        buf_printf(out, "  - %s:\n", RECIPE_STAGE_NAMES[r->stages[i].kind]);
        const struct recipe_stage *s = &r->stages[i];
        write_fields(RECIPE_STAGE_FIELDS[s->kind], (const char *)s + recipe_stage_offset(s->kind),
                     6, out);
    }
}
