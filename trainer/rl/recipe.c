/* recipe.c: YAML to struct recipe and back.
 *
 * The keys are recipe_fields.h's. `--set` changes the parsed tree before it is read: the file must
 * be valid by itself first, so that a fault in an override is told from a fault in the file. */
#include "trainer/rl/recipe.h"

#include <math.h>

#include "base/file.h"
#include "base/keys.h"
#include "trainer/rl/recipe_fields.h"

enum { RECIPE_BYTES_MAX = 1 << 20, COMPLETIONS_MAX = 10000000 };
static const double GRPO_TEMPERATURE_MIN = 1e-3;

/* ---- defaults ------------------------------------------------------------------------------- */

static char *text_copy(const char *s)
{
    return check_alloc(strdup(s));
}

static void recipe_defaults(struct recipe *r)
{
    *r = (struct recipe){
        .out = text_copy("runs/run"),
        .prompt_template = text_copy("{prompt}\n"),
        .model = {.layers = 4,
                  .width = 128,
                  .heads = 4,
                  .ff = 352,
                  .max_positions = 512,
                  .rope_theta = 10000,
                  .norm_eps = 1e-5f,
                  .tied = true,
                  .bos_id = -1,
                  .eos_id = -1,
                  .pad_id = -1},
        .keep_last = 2,
        .best_is_highest = true,
        .lora = {.alpha = 32},
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
        s->sft = (struct recipe_sft){
            .epochs = 1, .tokens_per_batch = 1500, .lr = {3e-3, .1, 30, LR_COSINE}, .adamw = adamw};
        s->sft.adamw.weight_decay = .1;
    } else if (kind == STAGE_GRPO) {
        s->grpo = (struct recipe_grpo){
            .steps = 100,
            .prompts_per_step = 32,
            .group = 8,
            .sampling = {.temperature = 1, .top_p = 1, .repetition_penalty = 1, .max_new = 160},
            .lr = {3e-4, .1, 5, LR_LINEAR},
            .adamw = adamw,
            .epsilon = .2,
            .epsilon_high = .28,
            .num_iterations = 1,
            .minibatches = 1,
            .tokens_per_batch = 8192,
            .scale_eps = 1e-4,
            .rewards = {[REWARD_GRADE] = 1},
            .overlong_buffer = 32,
            .log_completions_every = 1,
        };
    } else {
        s->eval = (struct recipe_eval){
            .name = text_copy("eval"),
            .samples = 4,
            .greedy = true,
            .sampling = {.temperature = 1, .top_p = 1, .repetition_penalty = 1, .max_new = 160}};
    }
}

/* ---- reading -------------------------------------------------------------------------------- */

struct reader {
    struct where where;
    struct err *err;
};

static unsigned types_of(const struct field *f)
{
    static const unsigned types[] = {
        [INT] = KEY_INT,
        [UINT64] = KEY_INT,
        [REAL] = KEY_NUMBER,
        [FLOAT] = KEY_NUMBER,
        [BOOL] = KEY_BOOL,
        [STRING] = KEY_STRING,
        [STRINGS] = KEY_ARRAY | KEY_STRING,
        [CHOICE] = KEY_STRING,
        [PAIR] = KEY_ARRAY,
        [GROUP] = KEY_OBJECT,
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

static int read_strings(struct reader *r, const json_t *o, const struct field *f, const json_t *v,
                        struct recipe_strings *out)
{
    size_t i;
    json_t *item;
    strings_free(out);
    if (json_is_string(v))
        strings_add(out, json_string_value(v));
    json_array_foreach ((json_t *)v, i, item) {
        char number[32];
        if (json_is_integer(item)) {
            snprintf(number, sizeof number, "%lld", (long long)json_integer_value(item));
            strings_add(out, number);
        } else if (json_is_string(item)) {
            strings_add(out, json_string_value(item));
        } else {
            return keys_fail(&r->where, o, f->key, r->err, "`%s` must be a list of strings",
                             f->key);
        }
    }
    if (f->required && !out->n)
        return keys_fail(&r->where, o, f->key, r->err, "`%s` is empty", f->key);
    return 0;
}

static int read_choice(struct reader *r, const json_t *o, const struct field *f, const json_t *v,
                       int *out)
{
    char all[128] = "";
    for (int i = 0; f->names[i]; i++) {
        if (strcmp(f->names[i], json_string_value(v)) == 0) {
            *out = i;
            return 0;
        }
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", f->names[i]);
    }
    return keys_fail(&r->where, o, f->key, r->err, "`%s` must be one of %s, not `%.40s`", f->key,
                     all, json_string_value(v));
}

static int check_range(struct reader *r, const json_t *o, const char *key, const struct field *f,
                       double x)
{
    if (x >= f->min && x <= f->max)
        return 0;
    return keys_fail(&r->where, o, key, r->err, "`%s` must be in %g .. %g, not %g", f->key, f->min,
                     f->max, x);
}

static int read_value(struct reader *r, const json_t *o, const char *key, const struct field *f,
                      char *base)
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
        if (json_array_size(v) != 2 || !json_is_number(json_array_get(v, 0)) ||
            !json_is_number(json_array_get(v, 1)))
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

/* `prefix` names the object in messages ("model."). `extra` is one more key that the caller reads,
 * or NULL. */
static int read_fields(struct reader *r, const json_t *o, const struct field *fields,
                       const char *prefix, const char *extra, char *base)
{
    struct key keys[RECIPE_FIELDS_MAX];
    char inner[64];
    size_t n = 0;
    if (extra)
        keys[n++] = (struct key){extra, KEY_ARRAY, true};
    for (const struct field *f = fields; f->key; f++) {
        bool aliased = f->alias && json_object_get(o, f->alias);
        CHECK(n + 2 <= RECIPE_FIELDS_MAX);
        keys[n++] = (struct key){f->key, types_of(f), f->required && !aliased};
        if (f->alias)
            keys[n++] = (struct key){f->alias, types_of(f), false};
        if (aliased && json_object_get(o, f->key))
            return keys_fail(&r->where, o, f->alias, r->err,
                             "`%s%s` and `%s%s` are the same setting", prefix, f->alias, prefix,
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

static int read_stages(struct reader *r, const json_t *list, struct recipe *out)
{
    size_t i;
    json_t *item;
    out->stages = xcalloc(json_array_size(list), sizeof *out->stages);
    json_array_foreach ((json_t *)list, i, item) {
        const char *name = json_object_iter_key(json_object_iter(item));
        char prefix[32];
        int kind = 0;
        while (name && RECIPE_STAGE_NAMES[kind] && strcmp(RECIPE_STAGE_NAMES[kind], name) != 0)
            kind++;
        if (json_object_size(item) != 1 || !RECIPE_STAGE_NAMES[kind])
            return keys_fail(&r->where, item, name, r->err,
                             "stages[%zu] must be one of `sft:`, `grpo:`, `eval:`", i);
        if (!json_is_object(json_object_get(item, name)))
            return keys_fail(&r->where, item, name, r->err, "stages[%zu].%s must be a mapping", i,
                             name);
        snprintf(prefix, sizeof prefix, "%s.", name);
        struct recipe_stage *s = &out->stages[out->n_stages++];
        stage_defaults(s, kind);
        TRY(read_fields(r, json_object_get(item, name), RECIPE_STAGE_FIELDS[kind], prefix, NULL,
                        (char *)s + recipe_stage_offset(kind)));
    }
    return out->n_stages ? 0 : keys_fail(&r->where, NULL, NULL, r->err, "`stages` is empty");
}

/* ---- what the verifier must serve ----------------------------------------------------------- */

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
    if (out->verifier_urls.n)
        return keys_fail(
            &r->where, NULL, NULL, r->err,
            "`%.200s` is not in verifier.problems: with verifier.urls, list there what "
            "that server was started with, "
            "in the order of its -p options",
            spec);
    *ret = out->sources.n;
    strings_add(&out->sources, spec);
    return 0;
}

static int data_of(struct reader *r, struct recipe *out, const struct recipe_strings *specs,
                   struct recipe_data **ret)
{
    struct recipe_data *data = *ret = xcalloc((size_t)specs->n, sizeof *data);
    for (int i = 0; i < specs->n; i++) {
        data[i] = (struct recipe_data){.spec = specs->v[i], .source = -1};
        if (!is_jsonl(specs->v[i]))
            TRY(source_of(r, out, specs->v[i], &data[i].source));
    }
    return 0;
}

/* A stop without a letter would end every completion at its first token. */
static int check_stops(struct reader *r, const char *stage, const struct recipe_strings *stops)
{
    for (int i = 0; i < stops->n; i++)
        if (!*stops->v[i])
            return keys_fail(&r->where, NULL, NULL, r->err, "%s.stop: an empty text", stage);
    return 0;
}

/* Keys that would be ignored together with others, or that leave nothing to learn from. */
static int check_grpo(struct reader *r, const struct recipe_grpo *g)
{
    const char *why = NULL;
    if (g->aggregation == NORMALIZE_THEN_SUM && g->kl_in_reward)
        why = "grpo.kl_in_reward needs multi_objective_aggregation: sum_then_normalize";
    else if (g->aggregation == NORMALIZE_THEN_SUM &&
             (g->advantage != ADVANTAGE_GRPO || g->scale_rewards != SCALE_GROUP))
        why = "grpo.multi_objective_aggregation: normalize_then_sum has its own advantage: leave "
              "`advantage` and `scale_rewards` as they are";
    else if (g->two_sided && g->loss_type != LOSS_CISPO)
        why = "grpo.two_sided is for loss_type: cispo";
    else if (g->kl_in_reward && g->beta <= 0)
        why = "grpo.kl_in_reward needs a `beta` above 0";
    else if (g->sampling.temperature < GRPO_TEMPERATURE_MIN)
        why = "grpo.temperature must be 0.001 or more: colder, all completions of a prompt are the "
              "same";
    if (why)
        return keys_fail(&r->where, NULL, NULL, r->err, "%s", why);
    if ((int64_t)g->prompts_per_step * g->group > COMPLETIONS_MAX)
        return keys_fail(&r->where, NULL, NULL, r->err,
                         "grpo.prompts_per_step (%d) times grpo.group (%d) is more than %d",
                         g->prompts_per_step, g->group, COMPLETIONS_MAX);
    if (g->minibatches > g->prompts_per_step)
        return keys_fail(&r->where, NULL, NULL, r->err,
                         "grpo.minibatches (%d) is more than grpo.prompts_per_step (%d)",
                         g->minibatches, g->prompts_per_step);
    return 0;
}

/* An adapter belongs to a model that stays where it is. */
static int check_adapter(struct reader *r, const struct recipe *x)
{
    const char *why = NULL;
    if (!x->model_path && x->lora.rank)
        why = "`lora` needs a `model.path`: the model that the adapter is for";
    else if (!x->model_path && x->model_adapter)
        why = "`model.adapter` needs a `model.path`: the model that the adapter is for";
    return why ? keys_fail(&r->where, NULL, NULL, r->err, "%s", why) : 0;
}

static int resolve(struct reader *r, struct recipe *out)
{
    TRY(check_adapter(r, out));
    const char *hole = out->prompt_template ? strstr(out->prompt_template, "{prompt}") : NULL;
    if (!hole || strstr(hole + 1, "{prompt}"))
        return keys_fail(&r->where, NULL, NULL, r->err,
                         "`prompt_template` must hold {prompt} once");
    if (out->system && out->chat == CHAT_NONE)
        return keys_fail(&r->where, NULL, NULL, r->err, "`system` needs a `chat_template`");
    if (out->keep_best && !out->best_metric)
        return keys_fail(&r->where, NULL, NULL, r->err,
                         "checkpoints.keep_best needs a `best_metric`, such as reward or "
                         "EVAL/sampled/pass_at_1");
    if (!out->out || !*out->out)
        return keys_fail(&r->where, NULL, NULL, r->err, "`out` is empty");
    model_config_family(&out->model);
    if (!out->model.kv_heads)
        out->model.kv_heads = out->model.heads;
    if (!out->model.head_dim)
        out->model.head_dim = out->model.width / out->model.heads;
    if (!out->model.head_dim)
        return keys_fail(&r->where, NULL, NULL, r->err,
                         "model.heads (%d) is more than model.width (%d)", out->model.heads,
                         out->model.width);
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
        if (s->kind == STAGE_GRPO)
            TRY(check_grpo(r, &s->grpo));
        TRY(check_stops(r, "grpo", &s->grpo.sampling.stop));
        TRY(check_stops(r, "eval", &s->eval.sampling.stop));
        if (s->kind == STAGE_EVAL && !s->eval.samples && !s->eval.greedy)
            return keys_fail(&r->where, NULL, NULL, r->err,
                             "eval needs `samples` of 1 or more, or `greedy: true`");
        if (s->kind == STAGE_EVAL && !s->eval.name)
            s->eval.name = text_copy("eval");
    }
    return 0;
}

static int read_recipe(const char *name, const struct yaml *yaml, const json_t *root,
                       struct recipe *ret, struct err *err)
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

/* ---- overrides ------------------------------------------------------------------------------ */

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
        json_array_foreach (node, i, item) {
            const char *kind = json_object_iter_key(json_object_iter(item));
            if (!dot || !kind || (*end ? strcmp(kind, head) != 0 : i != number))
                continue;
            bool kind_follows =
                !*end && strncmp(dot + 1, kind, strlen(kind)) == 0 && dot[1 + strlen(kind)] == '.';
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
    json_t *v =
        json_array_size(value.docs) ? json_incref(json_array_get(value.docs, 0)) : json_null();
    yaml_free(&value);
    json_t *node = root;
    for (int i = 0; RECIPE_STAGE_NAMES[i]; i++)
        if (strncmp(path, RECIPE_STAGE_NAMES[i], strlen(RECIPE_STAGE_NAMES[i])) == 0 &&
            path[strlen(RECIPE_STAGE_NAMES[i])] == '.')
            node = json_object_get(root, "stages");
    int rc = set_path(node, path, v);
    json_decref(v);
    return rc == -ENOENT ? err_set(err, -EINVAL, "--set %.200s: the recipe has no such stage", text)
           : rc < 0      ? err_set(err, -EINVAL, "--set %.200s: `%s` cannot be set", text, path)
                         : 0;
}

int recipe_parse(const char *name, struct str text, const char *const *overrides, int n_overrides,
                 struct recipe *ret, struct err *err)
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
    if (rc < 0)
        return rc;
    *ret = out;
    return 0;
}

int recipe_load(const char *path, const char *const *overrides, int n_overrides, struct recipe *ret,
                struct err *err)
{
    struct buf text = {0};
    TRY(file_read(path, RECIPE_BYTES_MAX, &text, err));
    int rc = recipe_parse(path, buf_view(&text), overrides, n_overrides, ret, err);
    buf_free(&text);
    return rc;
}

/* ---- the rest ------------------------------------------------------------------------------- */

void recipe_free(struct recipe *r)
{
    for (int i = 0; i < r->n_stages; i++) {
        struct recipe_stage *s = &r->stages[i];
        strings_free(&s->sft.data_specs);
        strings_free(&s->eval.levels);
        strings_free(&s->grpo.sampling.stop);
        strings_free(&s->eval.sampling.stop);
        free(s->sft.data);
        free(s->grpo.problems);
        free(s->eval.name);
        free(s->eval.problems);
    }
    strings_free(&r->lora.targets);
    strings_free(&r->tokenizer_texts);
    strings_free(&r->verifier_problems);
    strings_free(&r->sources);
    free(r->stages);
    free(r->tokenizer_data);
    free(r->out);
    free(r->prompt_template);
    free(r->system);
    free(r->model_path);
    free(r->model_adapter);
    free(r->verifier_token_file);
    strings_free(&r->verifier_urls);
    free(r->verifier_config);
    free(r->best_metric);
    *r = (struct recipe){0};
}

bool recipe_rewards_answers(const struct recipe *r)
{
    for (int i = 0; i < r->n_stages; i++)
        if (r->stages[i].kind == STAGE_GRPO && r->stages[i].grpo.rewards[REWARD_MATH] != 0)
            return true;
    return false;
}

double recipe_lr_at(const struct recipe_lr *lr, int step, int total)
{
    if (step < lr->warmup)
        return lr->peak * (step + 1) / lr->warmup;
    int span = total - 1 - lr->warmup;
    double x = span > 0 ? (double)(step - lr->warmup) / span : 1;
    x = x > 1 ? 1 : x;
    double fall = lr->schedule == LR_COSINE   ? .5 - .5 * cos(3.14159265358979323846 * x)
                  : lr->schedule == LR_LINEAR ? x
                                              : 0;
    return lr->peak * (1 - (1 - lr->end) * fall);
}

void recipe_prompt(const struct recipe *r, struct str prompt, struct buf *out)
{
    const char *hole = strstr(r->prompt_template, "{prompt}");
    struct buf text = {0}, *to = r->chat == CHAT_NONE ? out : &text;
    buf_add(to, r->prompt_template, (size_t)(hole - r->prompt_template));
    buf_str(to, prompt);
    buf_puts(to, hole + strlen("{prompt}"));
    if (r->chat != CHAT_NONE) {
        struct chat_message said[2] = {{"system", str_of(r->system ? r->system : "")},
                                       {"user", buf_view(&text)}};
        chat_render((enum chat)r->chat, r->system ? said : said + 1, r->system ? 2 : 1, out);
    }
    buf_free(&text);
}
