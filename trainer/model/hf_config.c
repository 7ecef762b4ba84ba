/* hf_config.c: config.json of four architectures. Their keys differ by name and by default; a
 * setting that would change the result and that no part of the model computes is an error rather
 * than a wrong model. */
#include "trainer/model/hf_config.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/file.h"

enum { CONFIG_BYTES_MAX = 16 << 20 };

/* What each calls its numbers; NULL where it has no such key. */
static const struct names {
    const char *architecture, *type;
    const char *width, *ff, *layers, *heads, *positions, *eps, *act;
    bool tied; /* by default */
} families[MODEL_FAMILIES] = {
    [MODEL_LLAMA] = {"LlamaForCausalLM", "llama", "hidden_size", "intermediate_size",
                     "num_hidden_layers", "num_attention_heads", "max_position_embeddings",
                     "rms_norm_eps", "hidden_act", false},
    [MODEL_QWEN2] = {"Qwen2ForCausalLM", "qwen2", "hidden_size", "intermediate_size",
                     "num_hidden_layers", "num_attention_heads", "max_position_embeddings",
                     "rms_norm_eps", "hidden_act", false},
    [MODEL_QWEN3] = {"Qwen3ForCausalLM", "qwen3", "hidden_size", "intermediate_size",
                     "num_hidden_layers", "num_attention_heads", "max_position_embeddings",
                     "rms_norm_eps", "hidden_act", false},
    [MODEL_GPT2] = {"GPT2LMHeadModel", "gpt2", "n_embd", "n_inner", "n_layer", "n_head",
                    "n_positions", "layer_norm_epsilon", "activation_function", true},
};

/* ---- reading -------------------------------------------------------------------------------- */

int hf_read_json(const char *path, json_t **ret, struct err *err)
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

/* A token id, the first of a list, or -1. */
static int get_id(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    v = json_is_array(v) ? json_array_get(v, 0) : v;
    return json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= INT32_MAX
               ? (int)json_integer_value(v)
               : -1;
}

/* Adds the others that `eos_token_id` names: Llama 3 and Qwen end a text with one token and an answer
 * with another. What is outside the vocabulary is never drawn, and not kept. */
static int add_more_eos(const char *path, const json_t *o, struct model_config *c, struct err *err)
{
    const json_t *v = json_object_get(o, "eos_token_id");
    const size_t n = json_is_array(v) ? json_array_size(v) : 1;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_is_array(v) ? json_array_get(v, i) : v;
        const json_int_t token = json_is_integer(item) ? json_integer_value(item) : -1;
        if (token < 0 || token >= c->vocab || model_ends(c, (int32_t)token))
            continue;
        if (c->n_more_eos == MODEL_MORE_EOS_MAX)
            return err_set(err, -EINVAL, "%s: `eos_token_id` names more than %d tokens", path,
                           MODEL_MORE_EOS_MAX);
        c->more_eos[c->n_more_eos++] = (int)token;
    }
    return 0;
}

static int find_family(const char *path, const json_t *o, int *ret, struct err *err)
{
    const char *type = json_string_value(json_object_get(o, "model_type"));
    const char *first = json_string_value(json_array_get(json_object_get(o, "architectures"), 0));
    for (int i = 0; i < MODEL_FAMILIES; i++)
        if (first ? strcmp(first, families[i].architecture) == 0
                  : type && strcmp(type, families[i].type) == 0) {
            *ret = i;
            return 0;
        }
    return err_set(err, -ENOTSUP,
                   "%s: architecture %.60s is not supported (want LlamaForCausalLM, "
                   "Qwen2ForCausalLM, Qwen3ForCausalLM or GPT2LMHeadModel)",
                   path,
                   first  ? first
                   : type ? type
                          : "(none named)");
}

/* Settings that would make another model of it. */
static int refuse_unknown(const char *path, const json_t *o, const struct names *names,
                          struct err *err)
{
    static const char *const switches[] = {"attention_bias", "mlp_bias", "use_sliding_window",
                                           "scale_attn_by_inverse_layer_idx",
                                           "add_cross_attention"};
    const char *act = json_string_value(json_object_get(o, names->act));
    for (size_t i = 0; i < COUNT_OF(switches); i++)
        if (json_is_true(json_object_get(o, switches[i])))
            return err_set(err, -ENOTSUP, "%s: `%s` is not supported", path, switches[i]);
    if (json_is_false(json_object_get(o, "scale_attn_weights")))
        return err_set(err, -ENOTSUP, "%s: unscaled attention is not supported", path);
    bool gelu = names == &families[MODEL_GPT2];
    if (act && (gelu ? strcmp(act, "gelu_new") != 0 && strcmp(act, "gelu_pytorch_tanh") != 0
                     : strcmp(act, "silu") != 0))
        return err_set(err, -ENOTSUP, "%s: `%s` %.40s is not supported (want %s)", path, names->act,
                       act, gelu ? "gelu_new" : "silu");
    return 0;
}

/* rope_scaling, or the same keys in the newer rope_parameters. */
static int read_rope(const char *path, const json_t *o, struct model_config *c, struct err *err)
{
    const json_t *rope = json_object_get(o, "rope_parameters"),
                 *scaling = json_object_get(o, "rope_scaling");
    TRY(get_float(path, json_is_object(rope) ? rope : o, "rope_theta", 10000, &c->rope_theta, err));
    if (!json_is_object(scaling))
        scaling = rope;
    const char *type = json_string_value(json_object_get(scaling, "rope_type"));
    if (!type)
        type = json_string_value(json_object_get(scaling, "type"));
    if (!type || strcmp(type, "default") == 0)
        return json_object_size(scaling) && !type && scaling != rope
                   ? err_set(err, -EINVAL, "%s: `rope_scaling` names no rope_type", path)
                   : 0;
    c->rope.kind = strcmp(type, "linear") == 0   ? ROPE_LINEAR
                   : strcmp(type, "llama3") == 0 ? ROPE_LLAMA3
                                                 : ROPE_PLAIN;
    if (c->rope.kind == ROPE_PLAIN)
        return err_set(err, -ENOTSUP,
                       "%s: RoPE scaling of type %.40s is not supported (want llama3 or linear)",
                       path, type);
    TRY(get_float(path, scaling, "factor", 0, &c->rope.factor, err));
    if (c->rope.kind == ROPE_LINEAR)
        return 0;
    TRY(get_float(path, scaling, "low_freq_factor", 0, &c->rope.low_factor, err));
    TRY(get_float(path, scaling, "high_freq_factor", 0, &c->rope.high_factor, err));
    return get_int(path, scaling, "original_max_position_embeddings", -1,
                   &c->rope.original_positions, err);
}

int hf_config_parse(const char *path, const json_t *o, struct model_config *ret, struct err *err)
{
    struct model_config c = {0};
    TRY(find_family(path, o, &c.family, err));
    const struct names *names = &families[c.family];
    model_config_family(&c);
    TRY(refuse_unknown(path, o, names, err));
    TRY(get_int(path, o, "vocab_size", -1, &c.vocab, err));
    TRY(get_int(path, o, names->width, -1, &c.width, err));
    TRY(get_int(path, o, names->ff, c.gelu && c.width < INT32_MAX / 4 ? 4 * c.width : -1, &c.ff,
                err));
    TRY(get_int(path, o, names->layers, -1, &c.layers, err));
    TRY(get_int(path, o, names->heads, -1, &c.heads, err));
    TRY(get_int(path, o, "num_key_value_heads", c.heads, &c.kv_heads, err));
    TRY(get_int(path, o, "head_dim", c.width / c.heads, &c.head_dim, err));
    TRY(get_int(path, o, names->positions, c.learned_positions ? 1024 : 2048, &c.max_positions,
                err));
    TRY(get_float(path, o, names->eps, c.gelu ? 1e-5f : 1e-6f, &c.norm_eps, err));
    if (!c.learned_positions)
        TRY(read_rope(path, o, &c, err));
    else
        c.rope_theta = 10000;
    const json_t *tied = json_object_get(o, "tie_word_embeddings");
    c.tied = json_is_boolean(tied) ? json_is_true(tied) : names->tied;
    c.bos_id = get_id(o, "bos_token_id");
    c.eos_id = get_id(o, "eos_token_id");
    c.pad_id = get_id(o, "pad_token_id");
    struct err bad;
    if (model_config_check(&c, &bad) < 0)
        return err_set(err, -EINVAL, "%s: %s", path, bad.text);
    TRY(add_more_eos(path, o, &c, err));
    *ret = c;
    return 0;
}

int hf_config_read(const char *dir, struct model_config *ret, struct err *err)
{
    char path[PATH_MAX];
    json_t *config = NULL, *generation = NULL;
    snprintf(path, sizeof path, "%s/config.json", dir);
    TRY(hf_read_json(path, &config, err));
    int rc = hf_config_parse(path, config, ret, err);
    json_decref(config);
    snprintf(path, sizeof path, "%s/generation_config.json", dir);
    if (rc == 0 && access(path, F_OK) == 0 && (rc = hf_read_json(path, &generation, err)) == 0) {
        ret->eos_id = ret->eos_id >= 0 ? ret->eos_id : get_id(generation, "eos_token_id");
        rc = ret->eos_id < ret->vocab
                 ? add_more_eos(path, generation, ret, err)
                 : err_set(err, -EINVAL, "%s: `eos_token_id` %d is outside the vocabulary of %d",
                           path, ret->eos_id, ret->vocab);
        json_decref(generation);
    }
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

static json_t *rope_json(const struct rope_scaling *r)
{
    if (r->kind == ROPE_PLAIN)
        return json_null();
    if (r->kind == ROPE_LINEAR)
        return json_pack("{s:s, s:o}", "rope_type", "linear", "factor", real(r->factor));
    return json_pack("{s:s, s:o, s:o, s:o, s:i}", "rope_type", "llama3", "factor", real(r->factor),
                     "low_freq_factor", real(r->low_factor), "high_freq_factor",
                     real(r->high_factor), "original_max_position_embeddings",
                     r->original_positions);
}

static void put_rotary(const struct model_config *c, json_t *o)
{
    json_object_set_new(o, "num_key_value_heads", json_integer(c->kv_heads));
    json_object_set_new(o, "head_dim", json_integer(c->head_dim));
    json_object_set_new(o, "rope_theta", real(c->rope_theta));
    json_object_set_new(o, "rope_scaling", rope_json(&c->rope));
    json_object_set_new(o, "attention_bias", json_false());
    if (c->family == MODEL_LLAMA)
        json_object_set_new(o, "mlp_bias", json_false());
    else
        json_object_set_new(o, "use_sliding_window", json_false());
}

/* Takes both. A list of tokens that end a text stays one when the model's is the first of it. */
static json_t *merged(const char *config, json_t *ours)
{
    static const char *const ids[] = {"bos_token_id", "eos_token_id", "pad_token_id"};
    json_t *all = config ? json_loads(config, 0, NULL) : NULL;
    if (!all)
        return ours;
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        if (get_id(all, ids[i]) == get_id(ours, ids[i]))
            json_object_del(ours, ids[i]);
    if (json_object_get(all, "dtype")) /* the newer name */
        json_object_set(all, "dtype", json_object_get(ours, "torch_dtype"));
    if (json_object_get(all, "rope_parameters") && !json_object_get(all, "rope_scaling"))
        json_object_del(ours, "rope_scaling"); /* said there */
    json_object_update(all, ours);
    json_decref(ours);
    return all;
}

int hf_config_write(const struct model_config *c, bool bf16, const char *config,
                    const char *generation, const char *dir, struct err *err)
{
    char path[PATH_MAX];
    const struct names *names = &families[c->family];
    json_t *o = json_pack("{s:[s], s:s, s:i}", "architectures", names->architecture, "model_type",
                          names->type, "vocab_size", c->vocab);
    json_object_set_new(o, names->width, json_integer(c->width));
    json_object_set_new(o, names->ff, json_integer(c->ff));
    json_object_set_new(o, names->layers, json_integer(c->layers));
    json_object_set_new(o, names->heads, json_integer(c->heads));
    json_object_set_new(o, names->positions, json_integer(c->max_positions));
    json_object_set_new(o, names->eps, real(c->norm_eps));
    json_object_set_new(o, names->act, json_string(c->gelu ? "gelu_new" : "silu"));
    if (!c->learned_positions)
        put_rotary(c, o);
    json_object_set_new(o, "tie_word_embeddings", json_boolean(c->tied));
    json_object_set_new(o, "bos_token_id", id(c->bos_id));
    json_object_set_new(o, "eos_token_id", id(c->eos_id));
    json_object_set_new(o, "pad_token_id", id(c->pad_id));
    json_object_set_new(o, "torch_dtype", json_string(bf16 ? "bfloat16" : "float32"));
    TRY(write_json(dir, "config.json", merged(config, o), err));
    snprintf(path, sizeof path, "%s/generation_config.json", dir);
    if (generation)
        return file_replace(path, str_of(generation), err);
    return write_json(dir, "generation_config.json",
                      json_pack("{s:o, s:o, s:o}", "bos_token_id", id(c->bos_id), "eos_token_id",
                                id(c->eos_id), "pad_token_id", id(c->pad_id)),
                      err);
}
