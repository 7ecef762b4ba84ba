/* lora_file.c: adapters as PEFT keeps them. A setting of adapter_config.json that would change the
 * result and is not computed here is an error: of the keys that this file does not know, only empty
 * ones (null, false, an empty list or mapping) are accepted. */
#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/file.h"
#include "trainer/model/hf_config.h"
#include "trainer/model/lora.h"
#include "trainer/model/safetensors.h"

/* The matrices of one layer number fewer. */
enum { TARGETS_MAX = 32 };

/* Keys that this file reads, and keys without an influence on what an adapter computes. */
static const char *const KNOWN_KEYS[] = {"r",
                                         "lora_alpha",
                                         "target_modules",
                                         "bias",
                                         "peft_type",
                                         "task_type",
                                         "fan_in_fan_out",
                                         "base_model_name_or_path",
                                         "lora_dropout",
                                         "inference_mode",
                                         "revision",
                                         "auto_mapping",
                                         "init_lora_weights",
                                         "peft_version",
                                         "loftq_config",
                                         "eva_config",
                                         "corda_config",
                                         "runtime_config",
                                         "megatron_core",
                                         "qalora_group_size",
                                         "ensure_weight_tying"};

/* ---- reading -------------------------------------------------------------------------------- */

static bool is_empty(const json_t *v)
{
    return json_is_null(v) || json_is_false(v) || (json_is_array(v) && !json_array_size(v)) ||
           (json_is_object(v) && !json_object_size(v));
}

static int refuse_unknown(const char *path, const json_t *o, struct err *err)
{
    const char *key;
    json_t *v;
    json_object_foreach ((json_t *)o, key, v) {
        bool known = is_empty(v);
        for (size_t i = 0; i < COUNT_OF(KNOWN_KEYS); i++)
            known |= strcmp(key, KNOWN_KEYS[i]) == 0;
        if (!known)
            return err_set(err, -ENOTSUP, "%s: `%.60s` is not supported", path, key);
    }
    return 0;
}

/* The key is missing, null, or this text. */
static int want_text(const char *path, const json_t *o, const char *key, const char *wanted,
                     struct err *err)
{
    const json_t *v = json_object_get(o, key);
    if (!v || json_is_null(v) || (json_is_string(v) && strcmp(json_string_value(v), wanted) == 0))
        return 0;
    return err_set(err, -ENOTSUP, "%s: `%s` must be \"%s\"", path, key, wanted);
}

static int read_targets(const char *path, const json_t *o, const struct model *m, unsigned *ret,
                        struct err *err)
{
    const json_t *list = json_object_get(o, "target_modules");
    const char *names[TARGETS_MAX];
    const size_t n = json_array_size(list);
    char what[PATH_MAX + 32];
    if (!json_is_array(list) || n < 1 || n > TARGETS_MAX)
        return err_set(err, -EINVAL, "%s: `target_modules` must be a list of names", path);
    for (size_t i = 0; i < n; i++)
        if (!(names[i] = json_string_value(json_array_get(list, i))))
            return err_set(err, -EINVAL, "%s: `target_modules` must be a list of names", path);
    snprintf(what, sizeof what, "%s: `target_modules`", path);
    return lora_targets(&m->cfg, names, (int)n, what, ret, err);
}

int lora_parse(const char *path, const json_t *o, const struct model *m, struct lora **ret,
               struct err *err)
{
    const json_t *r = json_object_get(o, "r"), *alpha = json_object_get(o, "lora_alpha");
    const char *type = json_string_value(json_object_get(o, "peft_type"));
    unsigned targets = 0;
    if (!type || strcmp(type, "LORA") != 0)
        return err_set(err, -ENOTSUP, "%s: `peft_type` must be \"LORA\"", path);
    TRY(want_text(path, o, "bias", "none", err));
    TRY(want_text(path, o, "task_type", "CAUSAL_LM", err));
    TRY(refuse_unknown(path, o, err));
    if (!json_is_integer(r) || json_integer_value(r) < 1 || json_integer_value(r) > LORA_RANK_MAX)
        return err_set(err, -EINVAL, "%s: `r` must be a whole number in 1 .. %d", path,
                       LORA_RANK_MAX);
    if (!json_is_number(alpha) || !isfinite((float)json_number_value(alpha)))
        return err_set(err, -EINVAL, "%s: `lora_alpha` must be a number", path);
    TRY(read_targets(path, o, m, &targets, err));
    *ret =
        lora_alloc(&m->cfg, (int)json_integer_value(r), (float)json_number_value(alpha), targets);
    return 0;
}

static int read_tensor(const char *path, const struct safetensors *st, struct lora *a,
                       const struct model_tensor *want, struct err *err)
{
    const struct st_tensor *t = st_find(st, want->name);
    if (!t)
        return err_set(err, -EINVAL, "%s: missing tensor `%s`", path, want->name);
    if (t->rank != 2 || t->shape[0] != want->rows || t->shape[1] != want->cols)
        return err_set(err, -EINVAL,
                       "%s: tensor `%s` has shape [%lld, %lld] where its rank and the model need "
                       "[%d, %d]",
                       path, t->name, (long long)(t->rank > 0 ? t->shape[0] : 0),
                       (long long)(t->rank > 1 ? t->shape[1] : 0), want->rows, want->cols);
    if (st_read_f32(t, a->params + want->offset) < 0)
        return err_set(err, -ENOTSUP,
                       "%s: tensor `%s`: dtype %s is not supported (want F32, F16 or BF16)", path,
                       t->name, t->dtype);
    return 0;
}

static int read_tensors(const char *path, struct lora *a, struct err *err)
{
    struct safetensors st;
    TRY(st_open(path, &st, err));
    int rc = 0;
    for (int i = 0; rc == 0 && i < a->n_tensors; i++)
        rc = read_tensor(path, &st, a, &a->tensors[i], err);
    for (int k = 0; rc == 0 && k < st.n; k++) {
        bool wanted = false;
        for (int i = 0; !wanted && i < a->n_tensors; i++)
            wanted = strcmp(st.v[k].name, a->tensors[i].name) == 0;
        if (!wanted)
            rc = err_set(err, -EINVAL, "%s: tensor `%.100s` has no place in the adapter", path,
                         st.v[k].name);
    }
    st_close(&st);
    return rc;
}

int lora_load(const char *dir, const struct model *m, struct lora **ret, struct err *err)
{
    char path[PATH_MAX];
    json_t *config;
    struct lora *a = NULL;
    snprintf(path, sizeof path, "%s/adapter_config.json", dir);
    TRY(hf_read_json(path, &config, err));
    int rc = lora_parse(path, config, m, &a, err);
    json_decref(config);
    if (rc < 0)
        return rc;
    snprintf(path, sizeof path, "%s/adapter_model.safetensors", dir);
    rc = read_tensors(path, a, err);
    if (rc < 0)
        lora_free(a);
    else
        *ret = a;
    return rc;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* A whole number without a point, as people write alpha. */
static json_t *number(float x)
{
    char text[32];
    if (fabsf(x) < 1e9f && floorf(x) >= x)
        return json_integer((json_int_t)x);
    snprintf(text, sizeof text, "%.9g", (double)x);
    return json_real(strtod(text, NULL));
}

static json_t *config_json(const struct model *m, const char *base)
{
    const struct lora *a = m->lora;
    json_t *targets = json_array();
    for (int i = 0; lora_target_name(&m->cfg, i); i++)
        if (a->targets >> i & 1)
            json_array_append_new(targets, json_string(lora_target_name(&m->cfg, i)));
    return json_pack("{s:s, s:s, s:s, s:i, s:o, s:f, s:o, s:s, s:b, s:b, s:b, s:n}", "peft_type",
                     "LORA", "task_type", "CAUSAL_LM", "base_model_name_or_path", base, "r",
                     a->rank, "lora_alpha", number(a->alpha), "lora_dropout", 0.0, "target_modules",
                     targets, "bias", "none", "fan_in_fan_out", m->cfg.family == MODEL_GPT2,
                     "inference_mode", 1, "init_lora_weights", 1, "modules_to_save");
}

static int write_tensors(const char *path, const struct lora *a, struct err *err)
{
    struct st_source *tensors = xcalloc((size_t)a->n_tensors, sizeof *tensors);
    for (int i = 0; i < a->n_tensors; i++) {
        const struct model_tensor *t = &a->tensors[i];
        tensors[i] = (struct st_source){.name = t->name,
                                        .rank = 2,
                                        .shape = {t->rows, t->cols},
                                        .values = a->params + t->offset};
    }
    int rc = st_write(path, tensors, a->n_tensors, err);
    free(tensors);
    return rc;
}

int lora_save(const struct model *m, const char *base, const char *dir, struct err *err)
{
    char path[PATH_MAX];
    struct buf text = {0};
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        return err_set(err, -errno, "%s: %s", dir, strerror(errno));
    json_t *config = config_json(m, base);
    if (!config)
        return err_set(err, -EINVAL, "%s: the name of its model is not UTF-8", dir);
    char *dump = check_alloc(json_dumps(config, JSON_INDENT(2)));
    json_decref(config);
    buf_printf(&text, "%s\n", dump);
    free(dump);
    snprintf(path, sizeof path, "%s/adapter_config.json", dir);
    int rc = file_replace(path, buf_view(&text), err);
    buf_free(&text);
    snprintf(path, sizeof path, "%s/adapter_model.safetensors", dir);
    return rc < 0 ? rc : write_tensors(path, m->lora, err);
}
