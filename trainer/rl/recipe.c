/* recipe.c: YAML to struct recipe and back.
 *
 * Every key stands in one table below: its type, its place in the struct, its bounds. The same tables check keys, read values and
 * write the resolved recipe, so that a key cannot be read but not written. `--set` changes the parsed tree before it is read:
 * the file must be valid by itself first, so a fault in an override is told from a fault in the file. */
#include "trainer/rl/recipe.h"

#include <math.h>

#include "base/file.h"
#include "base/keys.h"

enum { RECIPE_BYTES_MAX = 1 << 20, FIELDS_MAX = 40 };

enum kind { INT, UINT64, REAL, FLOAT, BOOL, STRING, STRINGS, CHOICE, PAIR, GROUP };

struct field {
    const char *key;
    const char *alias; /* the name Transformers-RL gives it, NULL if none */
    enum kind kind;
    size_t offset;
    double min, max;
    const char *const *names;     /* CHOICE, NULL-terminated */
    const struct field *fields;   /* GROUP, ends with key NULL; offsets count from the same struct */
    bool required;
};

static const char *const LOSS_NAMES[] = {"dapo", "grpo", "bnpo", "dr_grpo", "cispo", NULL};
static const char *const SCALE_NAMES[] = {"group", "batch", "none", NULL};
static const char *const IMPORTANCE_NAMES[] = {"token", "sequence", NULL};
static const char *const SCHEDULE_NAMES[] = {"cosine", "linear", "constant", NULL};
static const char *const STAGE_NAMES[] = {"sft", "grpo", "eval", NULL};

#define AT(type, member) .offset = offsetof(struct type, member)
#define COUNT(k, type, member, lo) {.key = k, .kind = INT, AT(type, member), .min = lo, .max = 1e9}
#define NUMBER(k, type, member, lo, hi) {.key = k, .kind = REAL, AT(type, member), .min = lo, .max = hi}
#define SWITCH(k, type, member) {.key = k, .kind = BOOL, AT(type, member)}
#define END {.key = NULL}

#define LR_FIELDS(type)                                   \
    NUMBER("lr", type, lr.peak, 0, 10),                   \
    NUMBER("lr_end", type, lr.end, 0, 1),                 \
    COUNT("warmup", type, lr.warmup, 0),                  \
    {.key = "schedule", .kind = CHOICE, AT(type, lr.schedule), .names = SCHEDULE_NAMES}

#define ADAMW_FIELDS(type)                                                      \
    {.key = "betas", .kind = PAIR, AT(type, adamw.betas), .min = 0, .max = .99999999}, \
    NUMBER("eps", type, adamw.eps, 0, 1),                                       \
    NUMBER("weight_decay", type, adamw.weight_decay, 0, 10),                    \
    NUMBER("clip", type, adamw.clip, 0, 1e9)

#define SAMPLING_FIELDS(type)                                                   \
    NUMBER("temperature", type, sampling.temperature, 0, 100),                  \
    NUMBER("top_p", type, sampling.top_p, 1e-6, 1),                             \
    COUNT("top_k", type, sampling.top_k, 0),                                    \
    {.key = "max_new", .alias = "max_completion_length", .kind = INT, AT(type, sampling.max_new), .min = 1, .max = 1e6}

static const struct field SFT_FIELDS[] = {
    {.key = "data", .kind = STRINGS, AT(recipe_sft, data_specs), .required = true},
    COUNT("epochs", recipe_sft, epochs, 1),
    COUNT("tokens_per_batch", recipe_sft, tokens_per_batch, 1),
    COUNT("max_steps", recipe_sft, max_steps, 0),
    LR_FIELDS(recipe_sft),
    ADAMW_FIELDS(recipe_sft),
    END,
};

static const struct field REWARD_FIELDS[] = {
    NUMBER("grade", recipe_grpo, reward_grade, -1e6, 1e6),
    NUMBER("format", recipe_grpo, reward_format, -1e6, 1e6),
    END,
};

static const struct field GRPO_FIELDS[] = {
    {.key = "problems", .kind = STRING, AT(recipe_grpo, problems), .required = true},
    COUNT("steps", recipe_grpo, steps, 1),
    COUNT("prompts_per_step", recipe_grpo, prompts_per_step, 1),
    {.key = "group", .alias = "num_generations", .kind = INT, AT(recipe_grpo, group), .min = 2, .max = 1e5},
    SAMPLING_FIELDS(recipe_grpo),
    LR_FIELDS(recipe_grpo),
    ADAMW_FIELDS(recipe_grpo),
    NUMBER("epsilon", recipe_grpo, epsilon, 0, 1),
    NUMBER("epsilon_high", recipe_grpo, epsilon_high, 0, 1e3),
    NUMBER("delta", recipe_grpo, delta, 0, 1e6),
    NUMBER("beta", recipe_grpo, beta, 0, 1e3),
    {.key = "loss_type", .kind = CHOICE, AT(recipe_grpo, loss_type), .names = LOSS_NAMES},
    {.key = "scale_rewards", .kind = CHOICE, AT(recipe_grpo, scale_rewards), .names = SCALE_NAMES},
    {.key = "importance_sampling_level", .kind = CHOICE, AT(recipe_grpo, importance), .names = IMPORTANCE_NAMES},
    COUNT("num_iterations", recipe_grpo, num_iterations, 1),
    COUNT("minibatches", recipe_grpo, minibatches, 1),
    COUNT("tokens_per_batch", recipe_grpo, tokens_per_batch, 1),
    {.key = "mask_truncated", .alias = "mask_truncated_completions", .kind = BOOL, AT(recipe_grpo, mask_truncated)},
    SWITCH("dynamic_sampling", recipe_grpo, dynamic_sampling),
    {.key = "rewards", .kind = GROUP, .fields = REWARD_FIELDS},
    COUNT("save_every", recipe_grpo, save_every, 0),
    COUNT("log_completions_every", recipe_grpo, log_completions_every, 0),
    END,
};

static const struct field EVAL_FIELDS[] = {
    {.key = "name", .kind = STRING, AT(recipe_eval, name)},
    {.key = "problems", .kind = STRING, AT(recipe_eval, problems), .required = true},
    COUNT("samples", recipe_eval, samples, 0),
    COUNT("limit", recipe_eval, limit, 0),
    SAMPLING_FIELDS(recipe_eval),
    SWITCH("greedy", recipe_eval, greedy),
    {.key = "levels", .kind = STRINGS, AT(recipe_eval, levels)},
    END,
};

static const struct field MODEL_FIELDS[] = {
    {.key = "path", .kind = STRING, AT(recipe, model_path)},
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
    END,
};

static const struct field TOKENIZER_FIELDS[] = {
    COUNT("vocab", recipe, tokenizer_vocab, 256),
    {.key = "texts", .kind = STRINGS, AT(recipe, tokenizer_texts)},
    END,
};

static const struct field VERIFIER_FIELDS[] = {
    {.key = "url", .kind = STRING, AT(recipe, verifier_url)},
    {.key = "problems", .kind = STRINGS, AT(recipe, verifier_problems)},
    COUNT("slots", recipe, verifier_slots, 0),
    SWITCH("timing", recipe, verifier_timing),
    NUMBER("deadline", recipe, verifier_deadline_s, .1, 1e6),
    END,
};

static const struct field RECIPE_FIELDS[] = {
    {.key = "seed", .kind = UINT64, AT(recipe, seed)},
    {.key = "out", .kind = STRING, AT(recipe, out)},
    COUNT("threads", recipe, threads, 0),
    {.key = "prompt_template", .kind = STRING, AT(recipe, prompt_template)},
    {.key = "model", .kind = GROUP, .fields = MODEL_FIELDS},
    {.key = "tokenizer", .kind = GROUP, .fields = TOKENIZER_FIELDS},
    {.key = "verifier", .kind = GROUP, .fields = VERIFIER_FIELDS},
    END,
};

static const struct field *const STAGE_FIELDS[] = {SFT_FIELDS, GRPO_FIELDS, EVAL_FIELDS};

/* ---- defaults ----------------------------------------------------------------------------------- */

static char *text_copy(const char *s)
{
    return check_alloc(strdup(s));
}

static void recipe_defaults(struct recipe *r)
{
    *r = (struct recipe){
        .out = text_copy("runs/run"),
        .prompt_template = text_copy("{prompt}\n"),
        .model = {.layers = 4, .width = 128, .heads = 4, .ff = 352, .max_positions = 512, .rope_theta = 10000, .norm_eps = 1e-5f,
                  .tied = true, .bos_id = -1, .eos_id = -1, .pad_id = -1},
        .tokenizer_vocab = 640,
        .verifier_timing = true,
        .verifier_deadline_s = 120,
    };
}

static void stage_defaults(struct recipe_stage *s, int kind)
{
    const struct recipe_adamw adamw = {.betas = {.9, .95}, .eps = 1e-8, .clip = 1};
    *s = (struct recipe_stage){.kind = kind};
    if (kind == STAGE_SFT) {
        s->sft = (struct recipe_sft){.epochs = 1, .tokens_per_batch = 1500, .lr = {3e-3, .1, 30, LR_COSINE}, .adamw = adamw};
        s->sft.adamw.weight_decay = .1;
    } else if (kind == STAGE_GRPO) {
        s->grpo = (struct recipe_grpo){
            .steps = 100, .prompts_per_step = 32, .group = 8, .sampling = {.temperature = 1, .top_p = 1, .max_new = 160},
            .lr = {3e-4, .1, 5, LR_LINEAR}, .adamw = adamw, .epsilon = .2, .epsilon_high = .28, .num_iterations = 1,
            .minibatches = 1, .tokens_per_batch = 8192, .reward_grade = 1, .log_completions_every = 1,
        };
    } else {
        s->eval = (struct recipe_eval){.name = text_copy("eval"), .samples = 4, .greedy = true,
                                       .sampling = {.temperature = 1, .top_p = 1, .max_new = 160}};
    }
}

/* ---- reading ------------------------------------------------------------------------------------ */

struct reader {
    struct where where;
    struct err *err;
};

static unsigned types_of(const struct field *f)
{
    static const unsigned types[] = {
        [INT] = KEY_INT, [UINT64] = KEY_INT, [REAL] = KEY_NUMBER, [FLOAT] = KEY_NUMBER, [BOOL] = KEY_BOOL,
        [STRING] = KEY_STRING, [STRINGS] = KEY_ARRAY | KEY_STRING, [CHOICE] = KEY_STRING, [PAIR] = KEY_ARRAY, [GROUP] = KEY_OBJECT,
    };
    return f->kind == STRING && !f->required ? KEY_STRING | KEY_NULL : types[f->kind];
}

static void strings_free(struct recipe_strings *s)
{
    for (int i = 0; i < s->n; i++)
        free(s->v[i]);
    free(s->v);
    *s = (struct recipe_strings){0};
}

static void strings_add(struct recipe_strings *s, const char *text)
{
    s->v = xrealloc(s->v, (size_t)s->n + 1, sizeof *s->v);
    s->v[s->n++] = text_copy(text);
}

static int read_strings(struct reader *r, const json_t *o, const struct field *f, const json_t *v, struct recipe_strings *out)
{
    size_t i;
    json_t *item;
    strings_free(out);
    if (json_is_string(v))
        strings_add(out, json_string_value(v));
    json_array_foreach((json_t *)v, i, item)
    {
        char number[32];
        if (json_is_integer(item)) {
            snprintf(number, sizeof number, "%lld", (long long)json_integer_value(item));
            strings_add(out, number);
        } else if (json_is_string(item)) {
            strings_add(out, json_string_value(item));
        } else {
            return keys_fail(&r->where, o, f->key, r->err, "`%s` must be a list of strings", f->key);
        }
    }
    if (f->required && !out->n)
        return keys_fail(&r->where, o, f->key, r->err, "`%s` is empty", f->key);
    return 0;
}

static int read_choice(struct reader *r, const json_t *o, const struct field *f, const json_t *v, int *out)
{
    char all[128] = "";
    for (int i = 0; f->names[i]; i++) {
        if (strcmp(f->names[i], json_string_value(v)) == 0) {
            *out = i;
            return 0;
        }
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", f->names[i]);
    }
    return keys_fail(&r->where, o, f->key, r->err, "`%s` must be one of %s, not `%.40s`", f->key, all, json_string_value(v));
}

static int check_range(struct reader *r, const json_t *o, const char *key, const struct field *f, double x)
{
    if (x >= f->min && x <= f->max)
        return 0;
    return keys_fail(&r->where, o, key, r->err, "`%s` must be in %g .. %g, not %g", f->key, f->min, f->max, x);
}

static int read_value(struct reader *r, const json_t *o, const char *key, const struct field *f, char *base)
{
    const json_t *v = json_object_get(o, key);
    void *at = base + f->offset;
    double x = json_number_value(v);
    switch (f->kind) {
    case INT:
        TRY(check_range(r, o, key, f, x));
        *(int *)at = (int)json_integer_value(v);
        return 0;
    case UINT64:
        if (json_integer_value(v) < 0)
            return keys_fail(&r->where, o, key, r->err, "`%s` must not be negative", f->key);
        *(uint64_t *)at = (uint64_t)json_integer_value(v);
        return 0;
    case REAL:
        TRY(check_range(r, o, key, f, x));
        *(double *)at = x;
        return 0;
    case FLOAT:
        TRY(check_range(r, o, key, f, x));
        *(float *)at = (float)x;
        return 0;
    case BOOL:
        *(bool *)at = json_is_true(v);
        return 0;
    case STRING:
        free(*(char **)at);
        *(char **)at = json_is_string(v) ? text_copy(json_string_value(v)) : NULL;
        return 0;
    case STRINGS:
        return read_strings(r, o, f, v, at);
    case CHOICE:
        return read_choice(r, o, f, v, at);
    case PAIR:
        if (json_array_size(v) != 2 || !json_is_number(json_array_get(v, 0)) || !json_is_number(json_array_get(v, 1)))
            return keys_fail(&r->where, o, key, r->err, "`%s` must be two numbers", f->key);
        for (size_t i = 0; i < 2; i++) {
            ((double *)at)[i] = json_number_value(json_array_get(v, i));
            TRY(check_range(r, o, key, f, ((double *)at)[i]));
        }
        return 0;
    case GROUP:
        break;
    }
    CHECK(!"every kind but GROUP is read above");
    return 0;
}

/* `prefix` names the object in messages ("model."). `extra` is one more key that the caller reads, or NULL. */
static int read_fields(struct reader *r, const json_t *o, const struct field *fields, const char *prefix, const char *extra, char *base)
{
    struct key keys[FIELDS_MAX];
    char inner[64];
    size_t n = 0;
    if (extra)
        keys[n++] = (struct key){extra, KEY_ARRAY, true};
    for (const struct field *f = fields; f->key; f++) {
        bool aliased = f->alias && json_object_get(o, f->alias);
        CHECK(n + 2 <= FIELDS_MAX);
        keys[n++] = (struct key){f->key, types_of(f), f->required && !aliased};
        if (f->alias)
            keys[n++] = (struct key){f->alias, types_of(f), false};
        if (aliased && json_object_get(o, f->key))
            return keys_fail(&r->where, o, f->alias, r->err, "`%s%s` and `%s%s` are the same setting", prefix, f->alias, prefix,
                             f->key);
    }
    TRY(keys_check(o, keys, n, prefix, &r->where, r->err));
    for (const struct field *f = fields; f->key; f++) {
        const char *key = f->alias && json_object_get(o, f->alias) ? f->alias : f->key;
        const json_t *v = json_object_get(o, key);
        snprintf(inner, sizeof inner, "%s%s.", prefix, f->key);
        if (v && f->kind == GROUP)
            TRY(read_fields(r, v, f->fields, inner, NULL, base));
        else if (v)
            TRY(read_value(r, o, key, f, base));
    }
    return 0;
}

/* The struct that the offsets of a stage's table count from. */
static size_t stage_offset(int kind)
{
    return kind == STAGE_SFT    ? offsetof(struct recipe_stage, sft)
           : kind == STAGE_GRPO ? offsetof(struct recipe_stage, grpo)
                                : offsetof(struct recipe_stage, eval);
}

static int read_stages(struct reader *r, const json_t *list, struct recipe *out)
{
    size_t i;
    json_t *item;
    out->stages = xcalloc(json_array_size(list), sizeof *out->stages);
    json_array_foreach((json_t *)list, i, item)
    {
        const char *name = json_object_iter_key(json_object_iter(item));
        char prefix[32];
        int kind = 0;
        while (name && STAGE_NAMES[kind] && strcmp(STAGE_NAMES[kind], name) != 0)
            kind++;
        if (json_object_size(item) != 1 || !STAGE_NAMES[kind])
            return keys_fail(&r->where, item, name, r->err, "stages[%zu] must be one of `sft:`, `grpo:`, `eval:`", i);
        if (!json_is_object(json_object_get(item, name)))
            return keys_fail(&r->where, item, name, r->err, "stages[%zu].%s must be a mapping", i, name);
        snprintf(prefix, sizeof prefix, "%s.", name);
        struct recipe_stage *s = &out->stages[out->n_stages++];
        stage_defaults(s, kind);
        TRY(read_fields(r, json_object_get(item, name), STAGE_FIELDS[kind], prefix, NULL,
                        (char *)s + stage_offset(kind)));
    }
    return out->n_stages ? 0 : keys_fail(&r->where, NULL, NULL, r->err, "`stages` is empty");
}

/* ---- what the verifier must serve ----------------------------------------------------------------- */

static bool is_jsonl(const char *spec)
{
    struct str s = str_of(spec);
    return !strchr(spec, '?') && ((s.len > 6 && strcmp(spec + s.len - 6, ".jsonl") == 0) ||
                                  (s.len > 9 && strcmp(spec + s.len - 9, ".jsonl.gz") == 0));
}

static int source_of(struct reader *r, struct recipe *out, const char *spec, int *ret)
{
    for (int i = 0; i < out->sources.n; i++)
        if (strcmp(out->sources.v[i], spec) == 0) {
            *ret = i;
            return 0;
        }
    if (out->verifier_url)
        return keys_fail(&r->where, NULL, NULL, r->err,
                         "`%.200s` is not in verifier.problems: with verifier.url, list there what that server was started with, "
                         "in the order of its -p options", spec);
    *ret = out->sources.n;
    strings_add(&out->sources, spec);
    return 0;
}

static int data_of(struct reader *r, struct recipe *out, const struct recipe_strings *specs, struct recipe_data **ret)
{
    struct recipe_data *data = *ret = xcalloc((size_t)specs->n, sizeof *data);
    for (int i = 0; i < specs->n; i++) {
        data[i] = (struct recipe_data){.spec = specs->v[i], .source = -1};
        if (!is_jsonl(specs->v[i]))
            TRY(source_of(r, out, specs->v[i], &data[i].source));
    }
    return 0;
}

static int resolve(struct reader *r, struct recipe *out)
{
    const char *hole = out->prompt_template ? strstr(out->prompt_template, "{prompt}") : NULL;
    if (!hole || strstr(hole + 1, "{prompt}"))
        return keys_fail(&r->where, NULL, NULL, r->err, "`prompt_template` must hold {prompt} once");
    if (!out->out || !*out->out)
        return keys_fail(&r->where, NULL, NULL, r->err, "`out` is empty");
    if (!out->model.kv_heads)
        out->model.kv_heads = out->model.heads;
    if (!out->model.head_dim)
        out->model.head_dim = out->model.width / out->model.heads;
    for (int i = 0; i < out->verifier_problems.n; i++)
        strings_add(&out->sources, out->verifier_problems.v[i]);
    TRY(data_of(r, out, &out->tokenizer_texts, &out->tokenizer_data));
    for (int i = 0; i < out->n_stages; i++) {
        struct recipe_stage *s = &out->stages[i];
        if (s->kind == STAGE_SFT)
            TRY(data_of(r, out, &s->sft.data_specs, &s->sft.data));
        else if (s->kind == STAGE_GRPO)
            TRY(source_of(r, out, s->grpo.problems, &s->grpo.source));
        else
            TRY(source_of(r, out, s->eval.problems, &s->eval.source));
        if (s->kind == STAGE_GRPO && s->grpo.minibatches > s->grpo.prompts_per_step)
            return keys_fail(&r->where, NULL, NULL, r->err, "grpo.minibatches (%d) is more than grpo.prompts_per_step (%d)",
                             s->grpo.minibatches, s->grpo.prompts_per_step);
        if (s->kind == STAGE_EVAL && !s->eval.samples && !s->eval.greedy)
            return keys_fail(&r->where, NULL, NULL, r->err, "eval needs `samples` of 1 or more, or `greedy: true`");
        if (s->kind == STAGE_EVAL && !s->eval.name)
            s->eval.name = text_copy("eval");
    }
    return 0;
}

static int read_recipe(const char *name, const struct yaml *yaml, const json_t *root, struct recipe *ret, struct err *err)
{
    struct reader r = {.where = {.file = name, .yaml = yaml}, .err = err};
    struct recipe out;
    recipe_defaults(&out);
    int rc = read_fields(&r, root, RECIPE_FIELDS, "", "stages", (char *)&out);
    if (rc == 0)
        rc = read_stages(&r, json_object_get(root, "stages"), &out);
    if (rc == 0)
        rc = resolve(&r, &out);
    if (rc < 0)
        recipe_free(&out);
    else
        *ret = out;
    return rc;
}

/* ---- overrides ---------------------------------------------------------------------------------- */

/* Sets `path` (components up to a dot) below node; -ENOENT when a list has no such element. */
static int set_path(json_t *node, const char *path, json_t *value)
{
    char head[64];
    const char *dot = strchr(path, '.');
    size_t len = dot ? (size_t)(dot - path) : strlen(path);
    if (len == 0 || len >= sizeof head)
        return -EINVAL;
    snprintf(head, sizeof head, "%.*s", (int)len, path);
    if (json_is_array(node)) { /* stages: by number, or every stage of a kind */
        char *end;
        size_t i, number = strtoul(head, &end, 10);
        json_t *item;
        int found = 0;
        json_array_foreach(node, i, item)
        {
            const char *kind = json_object_iter_key(json_object_iter(item));
            if (!dot || !kind || (*end ? strcmp(kind, head) != 0 : i != number))
                continue;
            bool kind_follows = !*end && strncmp(dot + 1, kind, strlen(kind)) == 0 && dot[1 + strlen(kind)] == '.';
            json_t *inner = kind_follows ? item : json_object_get(item, kind);
            TRY(set_path(inner, dot + 1, value));
            found++;
        }
        return found ? 0 : -ENOENT;
    }
    if (!json_is_object(node))
        return -ENOTDIR;
    if (!dot)
        return json_object_set_nocheck(node, head, value);
    json_t *inner = json_object_get(node, head);
    if (!inner) {
        inner = json_object();
        json_object_set_new_nocheck(node, head, inner);
    }
    return set_path(inner, dot + 1, value);
}

static int apply_override(json_t *root, const char *text, struct err *err)
{
    struct yaml value;
    const char *equals = strchr(text, '=');
    char path[256];
    if (!equals || equals == text || equals - text >= (ptrdiff_t)sizeof path)
        return err_set(err, -EINVAL, "--set %.200s: want KEY=VALUE, such as grpo.lr=1e-4", text);
    snprintf(path, sizeof path, "%.*s", (int)(equals - text), text);
    struct err bad = {0};
    if (yaml_load("value", equals + 1, strlen(equals + 1), &value, &bad) < 0)
        return err_set(err, -EINVAL, "--set %.200s: %s", text, bad.text);
    json_t *v = json_array_size(value.docs) ? json_incref(json_array_get(value.docs, 0)) : json_null();
    yaml_free(&value);
    json_t *node = root;
    for (int i = 0; STAGE_NAMES[i]; i++)
        if (strncmp(path, STAGE_NAMES[i], strlen(STAGE_NAMES[i])) == 0 && path[strlen(STAGE_NAMES[i])] == '.')
            node = json_object_get(root, "stages");
    int rc = set_path(node, path, v);
    json_decref(v);
    return rc == -ENOENT ? err_set(err, -EINVAL, "--set %.200s: the recipe has no such stage", text)
           : rc < 0      ? err_set(err, -EINVAL, "--set %.200s: `%s` cannot be set", text, path)
                         : 0;
}

int recipe_parse(const char *name, struct str text, const char *const *overrides, int n_overrides, struct recipe *ret, struct err *err)
{
    struct yaml yaml;
    TRY(yaml_load(name, text.s, text.len, &yaml, err));
    if (json_array_size(yaml.docs) != 1) {
        yaml_free(&yaml);
        return err_set(err, -EINVAL, "%s: a recipe is one YAML document", name);
    }
    const json_t *root = json_array_get(yaml.docs, 0);
    struct recipe out;
    int rc = read_recipe(name, &yaml, root, &out, err);
    if (rc == 0 && n_overrides) {
        json_t *changed = json_deep_copy(root);
        recipe_free(&out);
        for (int i = 0; rc == 0 && i < n_overrides; i++)
            rc = apply_override(changed, overrides[i], err);
        if (rc == 0)
            rc = read_recipe("--set", NULL, changed, &out, err);
        json_decref(changed);
    }
    yaml_free(&yaml);
    if (rc == 0)
        *ret = out;
    return rc;
}

int recipe_load(const char *path, const char *const *overrides, int n_overrides, struct recipe *ret, struct err *err)
{
    struct buf text = {0};
    TRY(file_read(path, RECIPE_BYTES_MAX, &text, err));
    int rc = recipe_parse(path, buf_view(&text), overrides, n_overrides, ret, err);
    buf_free(&text);
    return rc;
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* The shortest decimal that reads back to the same number. */
static void write_real(double x, bool single, struct buf *out)
{
    char text[32];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        double back = strtod(text, NULL);
        if (single ? (float)back <= (float)x && (float)back >= (float)x : back <= x && back >= x)
            break;
    }
    buf_puts(out, text);
}

/* Double-quoted YAML is a superset of JSON's strings. */
static void write_string(const char *s, struct buf *out)
{
    json_t *node = s ? json_string_nocheck(s) : json_null();
    char *quoted = json_dumps(node, JSON_ENCODE_ANY);
    buf_puts(out, check_alloc(quoted));
    free(quoted);
    json_decref(node);
}

static void write_fields(const struct field *fields, const char *base, int indent, struct buf *out)
{
    for (const struct field *f = fields; f->key; f++) {
        const void *at = base + f->offset;
        const struct recipe_strings *list = at;
        buf_printf(out, "%*s%s: ", indent, "", f->key);
        switch (f->kind) {
        case INT: buf_printf(out, "%d", *(const int *)at); break;
        case UINT64: buf_printf(out, "%llu", (unsigned long long)*(const uint64_t *)at); break;
        case REAL: write_real(*(const double *)at, false, out); break;
        case FLOAT: write_real((double)*(const float *)at, true, out); break;
        case BOOL: buf_puts(out, *(const bool *)at ? "true" : "false"); break;
        case STRING: write_string(*(char *const *)at, out); break;
        case CHOICE: buf_puts(out, f->names[*(const int *)at]); break;
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
        buf_printf(out, "  - %s:\n", STAGE_NAMES[r->stages[i].kind]);
        const struct recipe_stage *s = &r->stages[i];
        write_fields(STAGE_FIELDS[s->kind], (const char *)s + stage_offset(s->kind), 6, out);
    }
}

/* ---- the rest ----------------------------------------------------------------------------------- */

void recipe_free(struct recipe *r)
{
    for (int i = 0; i < r->n_stages; i++) {
        struct recipe_stage *s = &r->stages[i];
        strings_free(&s->sft.data_specs);
        strings_free(&s->eval.levels);
        free(s->sft.data);
        free(s->grpo.problems);
        free(s->eval.name);
        free(s->eval.problems);
    }
    strings_free(&r->tokenizer_texts);
    strings_free(&r->verifier_problems);
    strings_free(&r->sources);
    free(r->stages);
    free(r->tokenizer_data);
    free(r->out);
    free(r->prompt_template);
    free(r->model_path);
    free(r->verifier_url);
    *r = (struct recipe){0};
}

double recipe_lr_at(const struct recipe_lr *lr, int step, int total)
{
    if (step < lr->warmup)
        return lr->peak * (step + 1) / lr->warmup;
    int span = total - 1 - lr->warmup;
    double x = span > 0 ? (double)(step - lr->warmup) / span : 1;
    x = x > 1 ? 1 : x;
    double fall = lr->schedule == LR_COSINE ? .5 - .5 * cos(3.14159265358979323846 * x) : lr->schedule == LR_LINEAR ? x : 0;
    return lr->peak * (1 - (1 - lr->end) * fall);
}

void recipe_prompt(const struct recipe *r, struct str prompt, struct buf *out)
{
    const char *hole = strstr(r->prompt_template, "{prompt}");
    buf_add(out, r->prompt_template, (size_t)(hole - r->prompt_template));
    buf_str(out, prompt);
    buf_puts(out, hole + strlen("{prompt}"));
}
