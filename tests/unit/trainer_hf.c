/* Hugging Face folders: save, load and save again give the same bytes; what does not fit is refused
 * by name. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/check.h"
#include "tests/unit/model_folder.h"
#include "trainer/model/safetensors.h"

static struct model saved(bool tied)
{
    struct model m;
    struct model_config cfg = CONFIG;
    cfg.tied = tied;
    assert_int_equal(model_create(&cfg, 5, &m, NULL), 0);
    assert_int_equal(model_save(&m, dir, false, NULL), 0);
    return m;
}

static struct buf content(const char *name)
{
    struct buf b = {0};
    assert_int_equal(file_read(in_dir(name), 1 << 20, &b, NULL), 0);
    return b;
}

static void round_trip(bool tied)
{
    static const char *const names[] = {"config.json", "generation_config.json",
                                        "model.safetensors"};
    struct model m = saved(tied), back;
    struct err err = {0};
    struct buf before[3], after;
    for (int i = 0; i < 3; i++)
        before[i] = content(names[i]);
    if (model_load(dir, &back, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(back.cfg.eos_id, m.cfg.eos_id);
    assert_int_equal(back.cfg.bos_id, -1);
    assert_true(back.cfg.norm_eps == m.cfg.norm_eps && back.cfg.tied == tied);
    assert_int_equal(back.n_params, m.n_params);
    assert_memory_equal(back.params, m.params, m.n_params * sizeof *m.params);
    assert_int_equal(model_save(&back, dir, false, &err), 0);
    for (int i = 0; i < 3; i++) {
        after = content(names[i]);
        assert_true(str_eq(buf_view(&before[i]), buf_view(&after)));
        buf_free(&before[i]);
        buf_free(&after);
    }
    model_free(&m);
    model_free(&back);
}

static void save_load_save_is_the_same(void **state)
{
    (void)state;
    round_trip(true);
    round_trip(false);
}

/* What generation_config.json says is for others: the bytes that were read are written. */
static void generation_config_is_kept(void **state)
{
    (void)state;
    static const char odd[] = "{\"eos_token_id\": [2,  7], \"temperature\": 0.60, \"x\": null}";
    struct model m = saved(true), back, copy;
    model_free(&m);
    assert_int_equal(file_replace(in_dir("generation_config.json"), STR(odd), NULL), 0);
    assert_int_equal(model_load(dir, &back, NULL), 0);
    assert_int_equal(unlink(in_dir("generation_config.json")), 0);
    assert_int_equal(model_snapshot(&back, &copy), 0);
    model_free(&copy);
    assert_int_equal(model_save(&back, dir, true, NULL), 0);
    struct buf after = content("generation_config.json");
    assert_string_equal(after.s, odd);
    buf_free(&after);
    model_free(&back);
}

/* Both files may name several tokens that end a text; the lists stay as they are. */
static void several_tokens_end_a_text(void **state)
{
    (void)state;
    struct model m = saved(true), back;
    struct err err = {0};
    json_t *config = json_load_file(in_dir("config.json"), 0, NULL), *after;
    json_object_set_new(config, "eos_token_id", json_pack("[i, i, i]", 48, 7, 99));
    model_free(&m);
    for (int round = 0; round < 2; round++) {
        if (round == 0) {
            assert_int_equal(json_dump_file(config, in_dir("config.json"), 0), 0);
            assert_int_equal(file_replace(in_dir("generation_config.json"),
                                          STR("{\"eos_token_id\": [11, 7]}"), NULL),
                             0);
        }
        if (model_load(dir, &back, &err) < 0)
            fail_msg("%s", err.text);
        assert_int_equal(back.cfg.eos_id, 48);
        assert_int_equal(back.cfg.n_more_eos, 2); /* 99 is no token */
        assert_true(model_ends(&back.cfg, 48) && model_ends(&back.cfg, 7) &&
                    model_ends(&back.cfg, 11));
        assert_false(model_ends(&back.cfg, 99) || model_ends(&back.cfg, -1));
        assert_int_equal(model_save(&back, dir, false, &err), 0);
        model_free(&back);
    }
    assert_non_null(after = json_load_file(in_dir("config.json"), 0, NULL));
    assert_true(json_equal(json_object_get(config, "eos_token_id"),
                           json_object_get(after, "eos_token_id")));
    json_object_set_new(config, "eos_token_id", json_null());
    assert_int_equal(json_dump_file(config, in_dir("config.json"), 0), 0);
    assert_int_equal(
        file_replace(in_dir("generation_config.json"), STR("{\"eos_token_id\": 99}"), NULL), 0);
    assert_int_equal(model_load(dir, &back, &err), -EINVAL);
    assert_non_null(strstr(err.text, "generation_config.json: `eos_token_id` 99 is outside"));
    json_decref(after);
    json_decref(config);
}

/* Keys of config.json that say nothing to us go on to whoever reads the folder next. */
static void other_keys_of_config_are_kept(void **state)
{
    (void)state;
    struct model m = saved(true), back;
    json_t *config = json_load_file(in_dir("config.json"), 0, NULL), *after;
    json_t *others = json_pack("{s:s, s:[i, i], s:{s:n, s:f}, s:s, s:s, s:[i, i]}", "_name_or_path",
                               "some/base", "sizes", 3, 1, "nested", "x", "y", .25, "dtype",
                               "float16", "torch_dtype", "float16", "eos_token_id", 48, 7);
    json_object_update(config, others);
    model_free(&m);
    assert_int_equal(json_dump_file(config, in_dir("config.json"), 0), 0);
    assert_int_equal(model_load(dir, &back, NULL), 0);
    assert_int_equal(back.cfg.eos_id, 48);
    assert_int_equal(model_save(&back, dir, true, NULL), 0);
    assert_non_null(after = json_load_file(in_dir("config.json"), 0, NULL));
    json_object_set_new(config, "dtype", json_string("bfloat16")); /* those two are ours */
    json_object_set_new(config, "torch_dtype", json_string("bfloat16"));
    assert_true(json_equal(config, after));
    json_decref(after);
    /* What is ours is never another model's. */
    back.cfg.eos_id = 3;
    assert_int_equal(model_save(&back, dir, true, NULL), 0);
    assert_non_null(after = json_load_file(in_dir("config.json"), 0, NULL));
    assert_int_equal(json_integer_value(json_object_get(after, "eos_token_id")), 3);
    assert_string_equal(json_string_value(json_object_get(after, "_name_or_path")), "some/base");
    json_decref(after);
    json_decref(config);
    json_decref(others);
    model_free(&back);
}

/* Replaces one fragment of config.json and expects model_load to say `message`. */
static void expect_config(const char *from, const char *to, const char *message)
{
    struct model m = saved(true), back;
    struct err err = {0};
    struct buf text = content("config.json"), bad = {0};
    ptrdiff_t at = str_find(buf_view(&text), str_of(from), 0);
    assert_true(at >= 0);
    buf_add(&bad, text.s, (size_t)at);
    buf_puts(&bad, to);
    buf_puts(&bad, text.s + at + strlen(from));
    assert_int_equal(file_replace(in_dir("config.json"), buf_view(&bad), NULL), 0);
    int rc = model_load(dir, &back, &err);
    if (!message && rc == 0)
        model_free(&back);
    else if (!message || rc == 0 || !strstr(err.text, message))
        fail_msg("%s -> %s says: %s", from, to, rc ? err.text : "nothing");
    if (message && !strstr(err.text, dir))
        fail_msg("no file name in: %s", err.text);
    model_free(&m);
    buf_free(&text);
    buf_free(&bad);
}

/* Every architecture, its switches and its file layout, in both precisions. */
static void families_come_back(void **state)
{
    (void)state;
    struct model_config configs[5] = {CONFIG, CONFIG, CONFIG, CONFIG, CONFIG};
    configs[1].family = MODEL_QWEN2;
    configs[2].family = MODEL_QWEN3;
    configs[2].head_dim = 8;
    configs[2].tied = false;
    configs[3].family = MODEL_GPT2;
    configs[3].kv_heads = 4;
    configs[3].ff = 64;
    configs[4].rope = (struct rope_scaling){ROPE_LLAMA3, 8, 1, 4, 32};
    for (int i = 0; i < 10; i++) {
        struct model_config cfg = configs[i / 2];
        struct model m, back;
        struct err err = {0};
        struct buf first, second;
        const bool bf16 = i % 2;
        model_config_family(&cfg);
        assert_int_equal(model_create(&cfg, 9, &m, NULL), 0);
        assert_int_equal(model_save(&m, dir, bf16, &err), 0);
        first = content("model.safetensors");
        if (model_load(dir, &back, &err) < 0)
            fail_msg("%s", err.text);
        assert_memory_equal(&back.cfg, &cfg, sizeof cfg);
        for (size_t k = 0; k < m.n_params; k++)
            assert_true(bf16 ? fabsf(back.params[k] - m.params[k]) <= fabsf(m.params[k]) / 256
                             : back.params[k] == m.params[k]);
        assert_int_equal(model_save(&back, dir, bf16, &err), 0);
        second = content("model.safetensors");
        assert_true(str_eq(buf_view(&first), buf_view(&second)));
        buf_free(&first);
        buf_free(&second);
        model_free(&m);
        model_free(&back);
    }
}

/* The first GPT-2 files: matrices [in, out], no `transformer.`, causal masks beside the weights. */
static void an_old_gpt2_file_is_read(void **state)
{
    (void)state;
    struct model_config cfg = CONFIG;
    struct model m, back;
    struct err err = {0};
    static const float mask[4] = {1, 0, 1, 1};
    cfg.family = MODEL_GPT2;
    cfg.kv_heads = cfg.heads;
    model_config_family(&cfg);
    assert_int_equal(model_create(&cfg, 9, &m, NULL), 0);
    assert_int_equal(model_save(&m, dir, false, &err), 0);
    struct st_source parts[64];
    int n = 0;
    float *turned = xcalloc(m.n_params, sizeof *turned);
    for (; n < m.n_tensors; n++) {
        const struct model_tensor *t = &m.tensors[n];
        const int cols = t->cols ? t->cols : 1;
        for (int r = 0; r < t->rows; r++)
            for (int c = 0; c < cols; c++)
                turned[t->offset + (size_t)(t->transposed ? c * t->rows + r : r * cols + c)] =
                    m.params[t->offset + (size_t)(r * cols + c)];
        parts[n] = (struct st_source){
            .name = t->name + strlen("transformer."),
            .rank = t->cols ? 2 : 1,
            .shape = {t->transposed ? t->cols : t->rows, t->transposed ? t->rows : t->cols},
            .values = turned + t->offset};
    }
    parts[n++] = (struct st_source){
        .name = "h.0.attn.bias", .rank = 4, .shape = {1, 1, 2, 2}, .values = mask};
    assert_int_equal(st_write(in_dir("model.safetensors"), parts, n, &err), 0);
    if (model_load(dir, &back, &err) < 0)
        fail_msg("%s", err.text);
    assert_memory_equal(back.params, m.params, m.n_params * sizeof *m.params);
    free(turned);
    model_free(&m);
    model_free(&back);
}

static void configs_are_read_strictly(void **state)
{
    (void)state;
    expect_config("\"LlamaForCausalLM\"", "\"MambaForCausalLM\"", "LlamaForCausalLM");
    expect_config("\"hidden_size\"", "\"hidden_sise\"", "missing key `hidden_size`");
    expect_config("\"num_hidden_layers\": 2", "\"num_hidden_layers\": -2",
                  "`num_hidden_layers` must be a positive");
    expect_config("\"num_hidden_layers\": 2", "\"num_hidden_layers\": \"2\"",
                  "`num_hidden_layers` must be a positive");
    expect_config("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3",
                  "missing tensor `model.layers.2.");
    expect_config("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1",
                  "has no place in the model");
    expect_config("\"intermediate_size\": 24", "\"intermediate_size\": 25",
                  "has shape [24, 16] where config.json needs [25, 16]");
    expect_config("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3",
                  "num_key_value_heads");
    expect_config("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false",
                  "missing tensor `lm_head.weight`");
    expect_config("\"attention_bias\": false", "\"attention_bias\": true",
                  "`attention_bias` is not supported");
    expect_config("\"silu\"", "\"gelu\"", "`hidden_act` gelu");
    const char *const rope = "\"rope_scaling\": null";
    expect_config(rope, "\"rope_scaling\": {\"type\": \"linear\"}", "rope_scaling.factor is 0");
    expect_config(rope, "\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4}",
                  "type yarn is not supported");
    expect_config(rope, "\"rope_scaling\": {\"factor\": 4}", "names no rope_type");
    expect_config(rope, "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 4}",
                  "missing key `original_max_position_embeddings`");
    expect_config(rope,
                  "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 4, "
                  "\"low_freq_factor\": 4, \"high_freq_factor\": 1, "
                  "\"original_max_position_embeddings\": 64}",
                  "low_freq_factor < high_freq_factor");
    expect_config(rope, "\"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 1e6}",
                  NULL);
    expect_config("\"eos_token_id\": 48", "\"eos_token_id\": [48, 49]", NULL);
    expect_config("\"eos_token_id\": 48", "\"eos_token_id\": 50", "eos_token_id");
    expect_config("{", "{{", "config.json:1");
}

static void missing_files_are_named(void **state)
{
    (void)state;
    struct model m = saved(true), back;
    struct err err = {0};
    unlink(in_dir("model.safetensors"));
    assert_int_equal(model_load(dir, &back, &err), -ENOENT);
    assert_non_null(strstr(err.text, "model.safetensors"));
    unlink(in_dir("config.json"));
    assert_int_equal(model_load(dir, &back, &err), -ENOENT);
    assert_non_null(strstr(err.text, "config.json"));
    model_free(&m);
}

/* Two shards and their index; then an index that points outside the folder. */
static void shards_are_joined(void **state)
{
    (void)state;
    struct model m = saved(true), back;
    struct err err = {0};
    struct st_source part[2][64];
    int n[2] = {0, 0};
    json_t *map = json_object();
    for (int i = 0; i < m.n_tensors; i++) {
        const struct model_tensor *t = &m.tensors[i];
        part[i % 2][n[i % 2]++] = (struct st_source){.name = t->name,
                                                     .rank = t->cols ? 2 : 1,
                                                     .shape = {t->rows, t->cols},
                                                     .values = m.params + t->offset};
        json_object_set_new(map, t->name, json_string(i % 2 ? "b.safetensors" : "a.safetensors"));
    }
    assert_int_equal(st_write(in_dir("a.safetensors"), part[0], n[0], &err), 0);
    assert_int_equal(st_write(in_dir("b.safetensors"), part[1], n[1], &err), 0);
    unlink(in_dir("model.safetensors"));
    json_t *index = json_pack("{s:o}", "weight_map", map);
    assert_int_equal(json_dump_file(index, in_dir("model.safetensors.index.json"), 0), 0);
    if (model_load(dir, &back, &err) < 0)
        fail_msg("%s", err.text);
    assert_memory_equal(back.params, m.params, m.n_params * sizeof *m.params);
    model_free(&back);
    json_object_set_new(map, m.tensors[0].name, json_string("../a.safetensors"));
    assert_int_equal(json_dump_file(index, in_dir("model.safetensors.index.json"), 0), 0);
    assert_int_equal(model_load(dir, &back, &err), -EINVAL);
    assert_non_null(strstr(err.text, "index.json"));
    json_decref(index);
    model_free(&m);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(save_load_save_is_the_same, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(generation_config_is_kept, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(several_tokens_end_a_text, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(other_keys_of_config_are_kept, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(families_come_back, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(an_old_gpt2_file_is_read, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(configs_are_read_strictly, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(missing_files_are_named, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(shards_are_joined, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
