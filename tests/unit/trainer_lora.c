/* Adapters: what a fresh one changes (nothing), what training changes (it alone), and PEFT's files:
 * save, load and save again give the same bytes; what does not fit is refused by name. */
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
#include "trainer/kernels/team.h"
#include "trainer/model/lora.h"
#include "trainer/model/safetensors.h"

static struct model model_of(int family)
{
    struct model m;
    struct model_config c = CONFIG;
    c.family = family;
    c.kv_heads = family == MODEL_GPT2 ? c.heads : c.kv_heads;
    model_config_family(&c);
    assert_int_equal(model_create(&c, 5, &m, NULL), 0);
    return m;
}

/* An adapter whose B is not zero, on the named matrices. */
static struct model adapted(int family, const char *const *names, int n)
{
    struct model m = model_of(family);
    unsigned targets;
    struct rng rng = rng_make(8, 0);
    assert_int_equal(lora_targets(&m.cfg, names, n, "targets", &targets, NULL), 0);
    m.lora = lora_create(&m.cfg, 3, 12.5f, targets, 9);
    for (size_t i = 0; i < m.lora->n_params; i++)
        m.lora->params[i] += (float)rng_normal(&rng);
    return m;
}

static struct buf content(const char *name)
{
    struct buf b = {0};
    assert_int_equal(file_read(in_dir(name), 1 << 20, &b, NULL), 0);
    return b;
}

static void save_load_save_is_the_same(void **state)
{
    (void)state;
    static const char *const names[] = {"adapter_config.json", "adapter_model.safetensors"};
    static const char *const some[] = {"c_proj"};
    const int families[] = {MODEL_QWEN2, MODEL_GPT2, MODEL_GPT2};
    for (int f = 0; f < 3; f++) {
        struct model m = adapted(families[f], some, f == 2);
        struct lora *back;
        struct err err = {0};
        struct buf before[2], after;
        assert_int_equal(lora_save(&m, "some/base", dir, NULL), 0);
        for (int i = 0; i < 2; i++)
            before[i] = content(names[i]);
        if (lora_load(dir, &m, &back, &err) < 0)
            fail_msg("%s", err.text);
        assert_int_equal(back->rank, 3);
        assert_true(back->alpha == 12.5f && back->targets == m.lora->targets);
        assert_int_equal(back->n_params, m.lora->n_params);
        assert_memory_equal(back->params, m.lora->params, back->n_params * sizeof(float));
        lora_free(m.lora);
        m.lora = back;
        assert_int_equal(lora_save(&m, "some/base", dir, NULL), 0);
        for (int i = 0; i < 2; i++) {
            after = content(names[i]);
            assert_true(str_eq(buf_view(&before[i]), buf_view(&after)));
            buf_free(&before[i]);
            buf_free(&after);
        }
        model_free(&m);
    }
}

/* The names, shapes and settings that PEFT looks for. */
static void files_are_as_peft_has_them(void **state)
{
    (void)state;
    struct model m = adapted(MODEL_QWEN2, NULL, 0), g = adapted(MODEL_GPT2, NULL, 0);
    struct safetensors st;
    json_error_t bad;
    assert_int_equal(lora_save(&m, "some/base", dir, NULL), 0);
    json_t *c = json_load_file(in_dir("adapter_config.json"), 0, &bad);
    assert_string_equal(json_string_value(json_object_get(c, "peft_type")), "LORA");
    assert_string_equal(json_string_value(json_object_get(c, "base_model_name_or_path")),
                        "some/base");
    assert_string_equal(json_string_value(json_array_get(json_object_get(c, "target_modules"), 4)),
                        "gate_proj");
    assert_true(json_is_false(json_object_get(c, "fan_in_fan_out")));
    json_decref(c);
    assert_int_equal(st_open(in_dir("adapter_model.safetensors"), &st, NULL), 0);
    assert_int_equal(st.n, 2 * 7 * 2);
    const struct st_tensor *t =
        st_find(&st, "base_model.model.model.layers.1.self_attn.k_proj.lora_B.weight");
    assert_true(t && t->rank == 2 && t->shape[0] == 8 && t->shape[1] == 3);
    t = st_find(&st, "base_model.model.model.layers.0.mlp.down_proj.lora_A.weight");
    assert_true(t && t->rank == 2 && t->shape[0] == 3 && t->shape[1] == 24);
    st_close(&st);
    assert_int_equal(lora_save(&g, "gpt2", dir, NULL), 0);
    c = json_load_file(in_dir("adapter_config.json"), 0, &bad);
    assert_true(json_is_true(json_object_get(c, "fan_in_fan_out")));
    json_decref(c);
    assert_int_equal(st_open(in_dir("adapter_model.safetensors"), &st, NULL), 0);
    t = st_find(&st, "base_model.model.transformer.h.0.attn.c_attn.lora_B.weight");
    assert_true(t && t->rank == 2 && t->shape[0] == 48 && t->shape[1] == 3);
    st_close(&st);
    model_free(&m);
    model_free(&g);
}

static void names_of_targets(void **state)
{
    (void)state;
    struct model m = model_of(MODEL_LLAMA), g = model_of(MODEL_GPT2);
    struct err err = {0};
    unsigned targets;
    const char *three[] = {"q", "v_proj", "mlp.down_proj"}, *lost[] = {"q", "lm_head"},
               *twice[] = {"q", "q_proj"}, *projections[] = {"c_proj"}, *partial[] = {"proj"};
    assert_int_equal(lora_targets(&m.cfg, three, 3, "t", &targets, &err), 0);
    assert_int_equal(targets, 1 | 4 | 64);
    assert_int_equal(lora_targets(&g.cfg, projections, 1, "t", &targets, &err), 0);
    assert_int_equal(targets, 2 | 8);
    assert_int_equal(lora_targets(&m.cfg, NULL, 0, "t", &targets, &err), 0);
    assert_int_equal(targets, 127);
    assert_int_equal(lora_targets(&m.cfg, lost, 2, "lora.targets", &targets, &err), -EINVAL);
    assert_non_null(strstr(err.text, "lora.targets: `lm_head` is none of q_proj, k_proj"));
    assert_int_equal(lora_targets(&m.cfg, twice, 2, "t", &targets, &err), -EINVAL);
    assert_int_equal(lora_targets(&m.cfg, partial, 1, "t", &targets, &err), -EINVAL);
    model_free(&m);
    model_free(&g);
}

/* Changes adapter_config.json and expects lora_load to say `message`; NULL: to accept it. */
static void expect_config(const char *key, json_t *value, const char *message)
{
    struct model m = adapted(MODEL_LLAMA, NULL, 0);
    struct lora *back;
    struct err err = {0};
    json_error_t bad;
    assert_int_equal(lora_save(&m, "base", dir, NULL), 0);
    json_t *c = json_load_file(in_dir("adapter_config.json"), 0, &bad);
    json_object_set_new(c, key, value);
    assert_int_equal(json_dump_file(c, in_dir("adapter_config.json"), 0), 0);
    json_decref(c);
    int rc = lora_load(dir, &m, &back, &err);
    if (message) {
        assert_true(rc < 0);
        assert_non_null(strstr(err.text, "adapter_config.json"));
        if (!strstr(err.text, message))
            fail_msg("%s", err.text);
    } else {
        assert_int_equal(rc, 0);
        lora_free(back);
    }
    model_free(&m);
}

static void other_adapters_are_refused(void **state)
{
    (void)state;
    expect_config("peft_type", json_string("IA3"), "`peft_type`");
    expect_config("r", json_integer(0), "`r` must be");
    expect_config("r", json_integer(1000000), "`r` must be");
    expect_config("lora_alpha", json_string("2"), "`lora_alpha` must be");
    expect_config("bias", json_string("all"), "`bias` must be");
    expect_config("use_dora", json_true(), "`use_dora` is not supported");
    expect_config("use_rslora", json_true(), "`use_rslora` is not supported");
    expect_config("rank_pattern", json_pack("{s:i}", "q_proj", 4), "`rank_pattern`");
    expect_config("target_modules", json_string("all-linear"), "must be a list");
    expect_config("target_modules", json_pack("[s]", "embed_tokens"), "`embed_tokens`");
    expect_config("layers_to_transform", json_pack("[i]", 1), "`layers_to_transform`");
    expect_config("modules_to_save", json_pack("[]"), NULL);
    expect_config("layer_replication", json_null(), NULL);
    expect_config("lora_dropout", json_real(.1), NULL);
}

/* Of another rank, on other matrices, of another model, and damaged. */
static void tensors_must_fit(void **state)
{
    (void)state;
    struct model m = adapted(MODEL_LLAMA, NULL, 0), g = model_of(MODEL_GPT2);
    struct lora *back;
    struct err err = {0};
    const char *fewer[] = {"q", "v"};
    unsigned targets;
    assert_int_equal(lora_save(&m, "base", dir, NULL), 0);
    assert_true(lora_load(dir, &g, &back, &err) < 0);
    assert_non_null(strstr(err.text, "`q_proj` is none of c_attn"));

    struct buf config = content("adapter_config.json");
    lora_free(m.lora);
    m.lora = lora_create(&m.cfg, 4, 12.5f, 127, 9);
    assert_int_equal(lora_save(&m, "base", dir, NULL), 0);
    assert_int_equal(file_replace(in_dir("adapter_config.json"), buf_view(&config), NULL), 0);
    assert_int_equal(lora_load(dir, &m, &back, &err), -EINVAL);
    assert_non_null(strstr(err.text, "lora_A.weight` has shape [4, 16] where its rank"));

    assert_int_equal(lora_targets(&m.cfg, fewer, 2, "t", &targets, NULL), 0);
    lora_free(m.lora);
    m.lora = lora_create(&m.cfg, 3, 12.5f, targets, 9);
    assert_int_equal(lora_save(&m, "base", dir, NULL), 0);
    struct buf narrow = content("adapter_config.json");
    assert_int_equal(file_replace(in_dir("adapter_config.json"), buf_view(&config), NULL), 0);
    assert_int_equal(lora_load(dir, &m, &back, &err), -EINVAL);
    assert_non_null(
        strstr(err.text, "missing tensor `base_model.model.model.layers.0.self_attn.k"));

    lora_free(m.lora);
    m.lora = lora_create(&m.cfg, 3, 12.5f, 127, 9);
    assert_int_equal(lora_save(&m, "base", dir, NULL), 0);
    assert_int_equal(file_replace(in_dir("adapter_config.json"), buf_view(&narrow), NULL), 0);
    assert_int_equal(lora_load(dir, &m, &back, &err), -EINVAL);
    assert_non_null(strstr(err.text, "has no place in the adapter"));

    assert_int_equal(truncate(in_dir("adapter_model.safetensors"), 900), 0);
    assert_true(lora_load(dir, &m, &back, &err) < 0);
    assert_non_null(strstr(err.text, "adapter_model.safetensors"));
    assert_int_equal(unlink(in_dir("adapter_config.json")), 0);
    assert_int_equal(lora_load(dir, &m, &back, &err), -ENOENT);
    buf_free(&config);
    buf_free(&narrow);
    model_free(&m);
    model_free(&g);
}

/* A within its bounds and B zero: the weights stay what they are when merged. */
static void a_fresh_adapter_changes_nothing(void **state)
{
    (void)state;
    struct model m = model_of(MODEL_LLAMA), before;
    float largest = 0;
    assert_int_equal(model_copy(&m, &before), 0);
    m.lora = lora_create(&m.cfg, 8, 16, 127, 3);
    for (int i = 0; i < m.lora->n_tensors; i++) {
        const struct model_tensor *t = &m.lora->tensors[i];
        for (int k = 0; k < t->rows * t->cols; k++) {
            const float x = m.lora->params[t->offset + (size_t)k];
            assert_true(i % 2 ? x == 0 : fabsf(x) <= 1 / sqrtf((float)t->cols));
            largest = fmaxf(largest, fabsf(x));
        }
    }
    assert_true(largest > 0.2f);
    model_merge(&m);
    assert_memory_equal(m.params, before.params, m.n_params * sizeof(float));
    model_free(&m);
    model_free(&before);
}

/* The optimiser moves the adapter alone, and a snapshot keeps what it was. */
static void the_adapter_alone_is_trained(void **state)
{
    (void)state;
    struct model m = adapted(MODEL_LLAMA, NULL, 0), before, kept;
    struct adamw a;
    struct team *team = team_start(2);
    assert_int_equal(model_copy(&m, &before), 0);
    assert_int_equal(model_snapshot(&m, &kept), 0);
    assert_ptr_equal(kept.params, m.params);
    const struct model_trained t = model_trained(&m);
    assert_int_equal(t.n, m.lora->n_params);
    float *grads = xcalloc(t.n, sizeof *grads);
    for (size_t i = 0; i < t.n; i++)
        grads[i] = 1;
    assert_int_equal(adamw_new(&m, 0.9f, 0.95f, 1e-8f, 0.1f, &a), 0);
    adamw_step(&a, &m, grads, 0.01f, 0, team);
    assert_memory_equal(m.params, before.params, m.n_params * sizeof(float));
    for (size_t i = 0; i < t.n; i++)
        assert_true(m.lora->params[i] < before.lora->params[i] * 0.999f - 0.009f);
    assert_memory_equal(kept.lora->params, before.lora->params, t.n * sizeof(float));
    adamw_free(&a);
    free(grads);
    model_free(&kept);
    model_free(&before);
    model_free(&m);
    team_stop(team);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(save_load_save_is_the_same, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(files_are_as_peft_has_them, make_dir, remove_dir),
        cmocka_unit_test(names_of_targets),
        cmocka_unit_test_setup_teardown(other_adapters_are_refused, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(tensors_must_fit, make_dir, remove_dir),
        cmocka_unit_test(a_fresh_adapter_changes_nothing),
        cmocka_unit_test(the_adapter_alone_is_trained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
