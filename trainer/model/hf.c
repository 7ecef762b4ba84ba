/* hf.c: a model as a Hugging Face folder: config.json, generation_config.json, and
 * model.safetensors or shards with model.safetensors.index.json. Only what model.h can compute is
 * accepted: a setting of config.json that would change the result and is not known here, or a
 * tensor that no part of the model would use, is an error rather than a wrong model. */
#include <stdlib.h>

#include "base/check.h"
#include "base/file.h"
#include "trainer/model/hf_config.h"
#include "trainer/model/safetensors.h"

enum { SHARDS_MAX = 1000, TEXT_BYTES_MAX = 1 << 20 };

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
    TRY(hf_read_json(path, &index, err));
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

/* [rows, cols] from [cols, rows]. */
static void transpose(const float *from, int rows, int cols, float *to)
{
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++)
            to[(size_t)r * (size_t)cols + (size_t)c] = from[(size_t)c * (size_t)rows + (size_t)r];
}

static int read_values(const struct model_tensor *want, const struct st_tensor *t, float *to)
{
    if (!want->transposed)
        return st_read_f32(t, to);
    float *stored = xcalloc(t->count, sizeof *stored);
    int rc = st_read_f32(t, stored);
    transpose(stored, want->rows, want->cols, to);
    free(stored);
    return rc;
}

/* The first GPT-2 files leave `transformer.` out. */
static const char *stem(const char *name)
{
    static const char prefix[] = "transformer.";
    return strncmp(name, prefix, sizeof prefix - 1) == 0 ? name + sizeof prefix - 1 : name;
}

static const struct st_tensor *find_weight(const struct model_tensor *want, const struct shards *s,
                                           int *ret_shard)
{
    const struct st_tensor *t = NULL;
    for (*ret_shard = 0; *ret_shard < s->n; ++*ret_shard)
        if ((t = st_find(&s->v[*ret_shard], want->name)) ||
            (t = st_find(&s->v[*ret_shard], stem(want->name))))
            return t;
    return NULL;
}

static int read_weight(const struct model *m, const struct model_tensor *want,
                       const struct shards *s, const char *dir, struct err *err)
{
    int shard;
    const struct st_tensor *t = find_weight(want, s, &shard);
    if (!t)
        return err_set(err, -EINVAL, "%s: missing tensor `%s`", s->n == 1 ? s->path[0] : dir,
                       want->name);
    const bool vector = want->cols == 0;
    const int rows = want->transposed ? want->cols : want->rows,
              cols = want->transposed ? want->rows : want->cols;
    if (t->rank != (vector ? 1 : 2) || t->shape[0] != rows || (!vector && t->shape[1] != cols))
        return err_set(
            err, -EINVAL,
            "%s: tensor `%s` has shape [%lld%s%.0lld] where config.json needs [%d%s%.0d]",
            s->path[shard], t->name, (long long)t->shape[0], t->rank > 1 ? ", " : "",
            t->rank > 1 ? (long long)t->shape[1] : 0LL, rows, vector ? "" : ", ", cols);
    if (read_values(want, t, m->params + want->offset) < 0)
        return err_set(err, -ENOTSUP,
                       "%s: tensor `%s`: dtype %s is not supported (want F32, F16 or BF16)",
                       s->path[shard], t->name, t->dtype);
    return 0;
}

/* What repeats the model: a tied head, RoPE's frequencies, GPT-2's causal masks. */
static bool is_redundant(const struct model *m, const char *name)
{
    const size_t n = strlen(name);
    return (m->cfg.tied && strcmp(name, "lm_head.weight") == 0) ||
           strstr(name, "rotary_emb.inv_freq") ||
           (m->cfg.family == MODEL_GPT2 && n > 10 &&
            (strcmp(name + n - 10, ".attn.bias") == 0 || strstr(name, ".attn.masked_bias")));
}

static bool has_place(const struct model *m, const char *name)
{
    for (int i = 0; i < m->n_tensors; i++)
        if (strcmp(m->tensors[i].name, name) == 0 || strcmp(stem(m->tensors[i].name), name) == 0)
            return true;
    return false;
}

/* A tensor without a place would be silently lost. */
static int refuse_extra(const struct model *m, const struct shards *s, struct err *err)
{
    for (int i = 0; i < s->n; i++)
        for (int k = 0; k < s->v[i].n; k++) {
            const char *name = s->v[i].v[k].name;
            if (!has_place(m, name) && !is_redundant(m, name))
                return err_set(err, -EINVAL, "%s: tensor `%.100s` has no place in the model",
                               s->path[i], name);
        }
    return 0;
}

/* What other programs want of the folder: kept as it is. NULL where there is no such file. */
static int read_text(const char *dir, const char *name, char **ret, struct err *err)
{
    char path[PATH_MAX];
    struct buf text = {0};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (access(path, F_OK) != 0)
        return 0;
    TRY(file_read(path, TEXT_BYTES_MAX, &text, err));
    *ret = text.s;
    return 0;
}

int model_load(const char *dir, struct model *ret, struct err *err)
{
    struct model_config cfg = {0};
    struct shards shards = {0};
    struct model m;
    TRY(hf_config_read(dir, &cfg, err));
    TRY(model_alloc(&cfg, &m, err));
    int rc = shards_open(dir, &shards, err);
    for (int i = 0; rc == 0 && i < m.n_tensors; i++)
        rc = read_weight(&m, &m.tensors[i], &shards, dir, err);
    if (rc == 0)
        rc = refuse_extra(&m, &shards, err);
    if (rc == 0)
        rc = read_text(dir, "generation_config.json", &m.generation_config, err);
    if (rc == 0)
        rc = read_text(dir, "config.json", &m.config, err);
    shards_close(&shards);
    if (rc < 0)
        model_free(&m);
    else
        *ret = m;
    return rc;
}

/* ---- writing -------------------------------------------------------------------------------- */

int model_save(const struct model *m, const char *dir, bool bf16, struct err *err)
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
                                        .values = m->params + t->offset,
                                        .bf16 = bf16,
                                        .transposed = t->transposed};
    }
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    int rc = st_write(path, tensors, m->n_tensors, err);
    free(tensors);
    return rc < 0 ? rc : hf_config_write(&m->cfg, bf16, m->config, m->generation_config, dir, err);
}
