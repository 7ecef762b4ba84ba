/* hf.c: a model as a Hugging Face folder: config.json, generation_config.json, and
 * model.safetensors or shards with model.safetensors.index.json. Only what model.h can compute is
 * accepted: a setting of config.json that would change the result and is not known here, or a
 * tensor that no part of the model would use, is an error rather than a wrong model. */
#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/keys.h"
#include "trainer/model/model.h"
#include "trainer/model/safetensors.h"

enum { CONFIG_BYTES_MAX = 16 << 20, SHARDS_MAX = 1000 };

/* ---- config.json ---------------------------------------------------------------------------- */

static int read_json(const char *path, json_t **ret, struct err *err)
{
    struct buf text = {0};
    json_error_t bad;
    TRY(file_read(path, CONFIG_BYTES_MAX, &text, err));
    json_t *root = json_loadb(text.s ? text.s : "", text.len, JSON_REJECT_DUPLICATES, &bad);
    buf_free(&text);
    if (!root)
        return err_set(err, -EINVAL, "%s:%d: %s", path, bad.line, bad.text);
    if (!json_is_object(root)) {
        json_decref(root);
        return err_set(err, -EINVAL, "%s: not an object", path);
    }
    *ret = root;
    return 0;
}

/* A whole number; `fallback` < 0: the key must be there. */
static int get_int(const char *path, const json_t *o, const char *key, int fallback, int *ret,
                   struct err *err)
{
    const json_t *v = json_object_get(o, key);
    if ((!v || json_is_null(v)) && fallback >= 0) {
        *ret = fallback;
        return 0;
    }
    if (!v)
        return err_set(err, -EINVAL, "%s: missing key `%s`", path, key);
    if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > INT32_MAX)
        return err_set(err, -EINVAL, "%s: `%s` must be a positive whole number", path, key);
    *ret = (int)json_integer_value(v);
    return 0;
}

static int get_float(const char *path, const json_t *o, const char *key, float fallback, float *ret,
                     struct err *err)
{
    const json_t *v = json_object_get(o, key);
    if (v && !json_is_number(v))
        return err_set(err, -EINVAL, "%s: `%s` must be a number", path, key);
    *ret = v ? (float)json_number_value(v) : fallback;
    return 0;
}

/* A token id, the first of a list (Llama 3 names several that end a text), or -1. */
static int get_id(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    v = json_is_array(v) ? json_array_get(v, 0) : v;
    return json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= INT32_MAX
               ? (int)json_integer_value(v)
               : -1;
}

static bool is_llama(const json_t *o)
{
    const char *type = json_string_value(json_object_get(o, "model_type"));
    const char *first = json_string_value(json_array_get(json_object_get(o, "architectures"), 0));
    return first ? strcmp(first, "LlamaForCausalLM") == 0 : type && strcmp(type, "llama") == 0;
}

/* Settings that would make another model of it. */
static int refuse_unknown(const char *path, const json_t *o, struct err *err)
{
    static const char *const biases[] = {"attention_bias", "mlp_bias"};
    const char *act = json_string_value(json_object_get(o, "hidden_act"));
    const json_t *scaling = json_object_get(o, "rope_scaling"),
                 *rope = json_object_get(o, "rope_parameters");
    const char *rope_type = json_string_value(json_object_get(rope, "rope_type"));
    if (!is_llama(o))
        return err_set(err, -ENOTSUP, "%s: only the LlamaForCausalLM architecture is supported",
                       path);
    for (size_t i = 0; i < COUNT_OF(biases); i++)
        if (json_is_true(json_object_get(o, biases[i])))
            return err_set(err, -ENOTSUP, "%s: `%s` is not supported", path, biases[i]);
    if (act && strcmp(act, "silu") != 0)
        return err_set(err, -ENOTSUP, "%s: `hidden_act` %.40s is not supported (want silu)", path,
                       act);
    if ((scaling && !json_is_null(scaling)) || (rope_type && strcmp(rope_type, "default") != 0))
        return err_set(err, -ENOTSUP, "%s: RoPE scaling is not supported", path);
    return 0;
}

static int read_config(const char *path, const json_t *o, struct model_config *c, struct err *err)
{
    const json_t *rope = json_object_get(o, "rope_parameters");
    TRY(refuse_unknown(path, o, err));
    TRY(get_int(path, o, "vocab_size", -1, &c->vocab, err));
    TRY(get_int(path, o, "hidden_size", -1, &c->width, err));
    TRY(get_int(path, o, "intermediate_size", -1, &c->ff, err));
    TRY(get_int(path, o, "num_hidden_layers", -1, &c->layers, err));
    TRY(get_int(path, o, "num_attention_heads", -1, &c->heads, err));
    TRY(get_int(path, o, "num_key_value_heads", c->heads, &c->kv_heads, err));
    TRY(get_int(path, o, "head_dim", c->heads > 0 ? c->width / c->heads : 0, &c->head_dim, err));
    TRY(get_int(path, o, "max_position_embeddings", 2048, &c->max_positions, err));
    TRY(get_float(path, o, "rms_norm_eps", 1e-6f, &c->norm_eps, err));
    TRY(get_float(path, json_is_object(rope) ? rope : o, "rope_theta", 10000, &c->rope_theta, err));
    c->tied = json_is_true(json_object_get(o, "tie_word_embeddings"));
    c->bos_id = get_id(o, "bos_token_id");
    c->eos_id = get_id(o, "eos_token_id");
    c->pad_id = get_id(o, "pad_token_id");
    struct err bad;
    if (model_config_check(c, &bad) < 0)
        return err_set(err, -EINVAL, "%s: %s", path, bad.text);
    return 0;
}

/* ---- weights -------------------------------------------------------------------------------- */

struct shards {
    struct safetensors *v;
    char (*path)[PATH_MAX];
    int n;
};

static void shards_close(struct shards *s)
{
    for (int i = 0; i < s->n; i++)
        st_close(&s->v[i]);
    free(s->v);
    free(s->path);
}

static int shards_add(struct shards *s, const char *dir, const char *file, struct err *err)
{
    s->v = xrealloc(s->v, (size_t)s->n + 1, sizeof *s->v);
    s->path = xrealloc(s->path, (size_t)s->n + 1, sizeof *s->path);
    snprintf(s->path[s->n], sizeof *s->path, "%s/%s", dir, file);
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->path[i], s->path[s->n]) == 0)
            return 0;
    TRY(st_open(s->path[s->n], &s->v[s->n], err));
    s->n++;
    return 0;
}

static int shards_open(const char *dir, struct shards *s, struct err *err)
{
    char path[PATH_MAX];
    const char *tensor;
    json_t *index, *file;
    snprintf(path, sizeof path, "%s/model.safetensors.index.json", dir);
    if (access(path, F_OK) != 0)
        return shards_add(s, dir, "model.safetensors", err);
    TRY(read_json(path, &index, err));
    json_t *map = json_object_get(index, "weight_map");
    int rc = json_is_object(map) ? 0 : err_set(err, -EINVAL, "%s: missing key `weight_map`", path);
    json_object_foreach (map, tensor, file) {
        const char *name = json_string_value(file);
        if (!name || strchr(name, '/') || s->n > SHARDS_MAX)
            rc = err_set(err, -EINVAL, "%s: tensor `%.100s`: not the name of a file beside it",
                         path, tensor);
        if (rc == 0)
            rc = shards_add(s, dir, name, err);
        if (rc < 0)
            break;
    }
    json_decref(index);
    return rc;
}

static int read_weight(const struct model *m, const struct model_tensor *want,
                       const struct shards *s, const char *dir, struct err *err)
{
    const struct st_tensor *t = NULL;
    int shard = 0;
    for (; !t && shard < s->n; shard += !t)
        t = st_find(&s->v[shard], want->name);
    if (!t)
        return err_set(err, -EINVAL, "%s: missing tensor `%s`", s->n == 1 ? s->path[0] : dir,
                       want->name);
    bool vector = want->cols == 0;
    if (t->rank != (vector ? 1 : 2) || t->shape[0] != want->rows ||
        (!vector && t->shape[1] != want->cols))
        return err_set(
            err, -EINVAL,
            "%s: tensor `%s` has shape [%lld%s%.0lld] where config.json needs [%d%s%.0d]",
            s->path[shard], t->name, (long long)t->shape[0], t->rank > 1 ? ", " : "",
            t->rank > 1 ? (long long)t->shape[1] : 0LL, want->rows, vector ? "" : ", ", want->cols);
    if (st_read_f32(t, m->params + want->offset) < 0)
        return err_set(err, -ENOTSUP,
                       "%s: tensor `%s`: dtype %s is not supported (want F32, F16 or BF16)",
                       s->path[shard], t->name, t->dtype);
    return 0;
}

/* A tensor without a place would be silently lost; a tied head and stored RoPE frequencies repeat
 * what the model has. */
static int refuse_extra(const struct model *m, const struct shards *s, struct err *err)
{
    for (int i = 0; i < s->n; i++)
        for (int k = 0; k < s->v[i].n; k++) {
            const char *name = s->v[i].v[k].name;
            if (!model_find(m, name) && !(m->cfg.tied && strcmp(name, "lm_head.weight") == 0) &&
                !strstr(name, "rotary_emb.inv_freq"))
                return err_set(err, -EINVAL, "%s: tensor `%.100s` has no place in the model",
                               s->path[i], name);
        }
    return 0;
}

int model_load(const char *dir, struct model *ret, struct err *err)
{
    char path[PATH_MAX];
    json_t *config = NULL, *generation = NULL;
    struct model_config cfg = {0};
    struct shards shards = {0};
    struct model m;
    snprintf(path, sizeof path, "%s/config.json", dir);
    TRY(read_json(path, &config, err));
    int rc = read_config(path, config, &cfg, err);
    json_decref(config);
    snprintf(path, sizeof path, "%s/generation_config.json", dir);
    if (rc == 0 && access(path, F_OK) == 0 && (rc = read_json(path, &generation, err)) == 0) {
        cfg.eos_id = cfg.eos_id >= 0 ? cfg.eos_id : get_id(generation, "eos_token_id");
        json_decref(generation);
    }
    if (rc < 0 || (rc = model_alloc(&cfg, &m, err)) < 0)
        return rc;
    rc = shards_open(dir, &shards, err);
    for (int i = 0; rc == 0 && i < m.n_tensors; i++)
        rc = read_weight(&m, &m.tensors[i], &shards, dir, err);
    if (rc == 0)
        rc = refuse_extra(&m, &shards, err);
    shards_close(&shards);
    if (rc < 0)
        model_free(&m);
    else
        *ret = m;
    return rc;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* The shortest decimal that reads back to the same float, so that 1e-5f is written as 1e-05. */
static json_t *real(float x)
{
    char text[32];
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)x);
        float back = strtof(text, NULL);
        if (back >= x && back <= x)
            break;
    }
    return json_real(strtod(text, NULL));
}

static json_t *id(int token)
{
    return token >= 0 ? json_integer(token) : json_null();
}

static int write_json(const char *dir, const char *name, json_t *root, struct err *err)
{
    char path[PATH_MAX];
    struct buf text = {0};
    char *dump = check_alloc(json_dumps(root, JSON_INDENT(2)));
    snprintf(path, sizeof path, "%s/%s", dir, name);
    buf_printf(&text, "%s\n", dump);
    int rc = file_replace(path, buf_view(&text), err);
    buf_free(&text);
    free(dump);
    json_decref(root);
    return rc;
}

static int write_config(const struct model_config *c, const char *dir, struct err *err)
{
    json_t *root = json_pack(
        "{s:[s], s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:o, s:o, s:b, s:s, s:b, s:b, s:o, "
        "s:o, s:o, s:s}",
        "architectures", "LlamaForCausalLM", "model_type", "llama", "vocab_size", c->vocab,
        "hidden_size", c->width, "intermediate_size", c->ff, "num_hidden_layers", c->layers,
        "num_attention_heads", c->heads, "num_key_value_heads", c->kv_heads, "head_dim",
        c->head_dim, "max_position_embeddings", c->max_positions, "rope_theta", real(c->rope_theta),
        "rms_norm_eps", real(c->norm_eps), "tie_word_embeddings", c->tied, "hidden_act", "silu",
        "attention_bias", 0, "mlp_bias", 0, "bos_token_id", id(c->bos_id), "eos_token_id",
        id(c->eos_id), "pad_token_id", id(c->pad_id), "torch_dtype", "float32");
    CHECK(root);
    return write_json(dir, "config.json", root, err);
}

int model_save(const struct model *m, const char *dir, struct err *err)
{
    char path[PATH_MAX];
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        return err_set(err, -errno, "%s: %s", dir, strerror(errno));
    struct st_source *tensors = xcalloc((size_t)m->n_tensors, sizeof *tensors);
    for (int i = 0; i < m->n_tensors; i++) {
        const struct model_tensor *t = &m->tensors[i];
        tensors[i] = (struct st_source){.name = t->name,
                                        .rank = t->cols ? 2 : 1,
                                        .shape = {t->rows, t->cols},
                                        .values = m->params + t->offset};
    }
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    int rc = st_write(path, tensors, m->n_tensors, err);
    free(tensors);
    if (rc == 0)
        rc = write_config(&m->cfg, dir, err);
    if (rc == 0)
        rc = write_json(dir, "generation_config.json",
                        json_pack("{s:o, s:o, s:o}", "bos_token_id", id(m->cfg.bos_id),
                                  "eos_token_id", id(m->cfg.eos_id), "pad_token_id",
                                  id(m->cfg.pad_id)),
                        err);
    return rc;
}
