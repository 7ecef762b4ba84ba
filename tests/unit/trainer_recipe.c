/* Recipes: defaults, overrides, aliases; every mistake named with its file and line; the resolved
 * recipe reads back the same. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "trainer/rl/recipe.h"

static const char GOOD[] =
    "seed: 7\n"
    "model: {layers: 2, width: 64, heads: 4}\n"
    "tokenizer: {vocab: 500, texts: [\"p/list.yaml?split=train\", extra.jsonl]}\n"
    "verifier: {slots: 2}\n"
    "stages:\n"
    "  - sft: {data: [\"p/list.yaml?split=train\", rows.jsonl], epochs: 2, lr: 3e-3}\n"
    "  - eval: {name: before, problems: p/list.yaml?split=test, levels: [2, 3]}\n"
    "  - grpo:\n"
    "      problems: p/list.yaml?split=rl\n"
    "      num_generations: 4\n"
    "      max_completion_length: 99\n"
    "      loss_type: dr_grpo\n"
    "      rewards: {format: 0.25}\n"
    "      betas: [0.8, 0.9]\n"
    "  - eval: {name: after, problems: p/list.yaml?split=test}\n";

static struct recipe parsed(const char *text, const char *const *set, int n)
{
    struct recipe r;
    struct err err = {0};
    if (recipe_parse("r.yaml", str_of(text), set, n, &r, &err) < 0)
        fail_msg("%s", err.text);
    return r;
}

static void defaults_and_values(void **state)
{
    (void)state;
    struct recipe r = parsed(GOOD, NULL, 0);
    assert_int_equal(r.seed, 7);
    assert_int_equal(r.n_stages, 4);
    assert_int_equal(r.model.head_dim, 16);
    assert_int_equal(r.model.kv_heads, 4);
    assert_null(r.model_path);
    assert_true(r.model.tied);
    assert_int_equal(r.stages[0].kind, STAGE_SFT);
    assert_int_equal(r.stages[0].sft.epochs, 2);
    assert_true(r.stages[0].sft.lr.peak == 3e-3);
    const struct recipe_grpo *g = &r.stages[2].grpo;
    assert_int_equal(g->group, 4);
    assert_int_equal(g->sampling.max_new, 99);
    assert_int_equal(g->loss_type, LOSS_DR_GRPO);
    assert_int_equal(g->scale_rewards, SCALE_GROUP);
    assert_true(g->rewards[REWARD_FORMAT] == .25 && g->rewards[REWARD_GRADE] == 1);
    assert_true(g->adamw.betas[0] == .8 && g->adamw.betas[1] == .9);
    assert_int_equal(r.stages[1].eval.levels.n, 2);
    assert_string_equal(r.stages[1].eval.levels.v[1], "3");
    recipe_free(&r);
}

static void sources_are_numbered_once(void **state)
{
    (void)state;
    struct recipe r = parsed(GOOD, NULL, 0);
    assert_int_equal(r.sources.n, 3);
    assert_string_equal(r.sources.v[0], "p/list.yaml?split=train");
    assert_string_equal(r.sources.v[1], "p/list.yaml?split=test");
    assert_string_equal(r.sources.v[2], "p/list.yaml?split=rl");
    assert_int_equal(r.tokenizer_data[0].source, 0);
    assert_int_equal(r.tokenizer_data[1].source, -1);
    assert_int_equal(r.stages[0].sft.data[0].source, 0);
    assert_int_equal(r.stages[0].sft.data[1].source, -1);
    assert_int_equal(r.stages[2].grpo.source, 2);
    assert_int_equal(r.stages[3].eval.source, 1);
    recipe_free(&r);
}

static void overrides_change_values(void **state)
{
    (void)state;
    const char *const set[] = {"grpo.lr=1e-5",        "eval.samples=9",
                               "stages.3.samples=2",  "stages.0.sft.epochs=5",
                               "out=runs/x",          "grpo.rewards.grade=2",
                               "model.path=some/dir", "stages.3.eval.greedy=false"};
    struct recipe r = parsed(GOOD, set, 8);
    assert_true(r.stages[2].grpo.lr.peak == 1e-5);
    assert_int_equal(r.stages[1].eval.samples, 9);
    assert_int_equal(r.stages[3].eval.samples, 2);
    assert_false(r.stages[3].eval.greedy);
    assert_int_equal(r.stages[0].sft.epochs, 5);
    assert_string_equal(r.out, "runs/x");
    assert_string_equal(r.model_path, "some/dir");
    assert_true(r.stages[2].grpo.rewards[REWARD_GRADE] == 2);
    recipe_free(&r);
}

static void an_adapter_needs_a_model(void **state)
{
    (void)state;
    static const char LORA[] = "model: {path: base}\n"
                               "lora: {r: 8, target_modules: [q, up_proj]}\n"
                               "stages:\n"
                               "  - grpo: {problems: p.yaml}\n";
    const char *const none[] = {"model.path=null"}, *const off[] = {"model.path=null", "lora.r=0"},
                      *const alone[] = {"model.path=null", "lora.r=0", "model.adapter=a"};
    struct recipe r = parsed(LORA, NULL, 0), bad;
    struct err err;
    assert_int_equal(r.lora.rank, 8);
    assert_true(r.lora.alpha == 32);
    assert_string_equal(r.lora.targets.v[1], "up_proj");
    recipe_free(&r);
    r = parsed(LORA, off, 2);
    recipe_free(&r);
    assert_int_equal(recipe_parse("r.yaml", str_of(LORA), none, 1, &bad, &err), -EINVAL);
    assert_non_null(strstr(err.text, "`lora` needs a `model.path`"));
    assert_int_equal(recipe_parse("r.yaml", str_of(LORA), alone, 3, &bad, &err), -EINVAL);
    assert_non_null(strstr(err.text, "`model.adapter` needs a `model.path`"));
}

static void resolved_recipe_reads_back(void **state)
{
    (void)state;
    struct recipe r = parsed(GOOD, NULL, 0);
    struct buf first = {0}, second = {0};
    recipe_write(&r, &first);
    recipe_free(&r);
    r = parsed(first.s, NULL, 0);
    recipe_write(&r, &second);
    assert_string_equal(first.s, second.s);
    assert_non_null(strstr(first.s, "epsilon_high: 0.28\n"));
    assert_non_null(strstr(first.s, "rope_theta: 10000\n"));
    assert_non_null(strstr(first.s, "norm_eps: 1e-05\n"));
    recipe_free(&r);
    buf_free(&first);
    buf_free(&second);
}

static void expect_error(const char *text, const char *const *set, int n, const char *message)
{
    struct recipe r;
    struct err err = {0};
    if (recipe_parse("r.yaml", str_of(text), set, n, &r, &err) == 0)
        fail_msg("accepted; expected: %s", message);
    if (!strstr(err.text, message))
        fail_msg("says: %s\nexpected: %s", err.text, message);
}

#define STAGE "stages: [{eval: {problems: x.yaml}}]\n"

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"sede: 1\n" STAGE, "r.yaml:1: unknown key `sede` (did you mean `seed`?)"},
        {STAGE "model:\n  layers: 2\n  widht: 3\n",
         "r.yaml:4: unknown key `model.widht` (did you mean `width`?)"},
        {"stages:\n  - grpo:\n      problems: x\n      stepz: 1\n",
         "r.yaml:4: unknown key `grpo.stepz` (did you mean `steps`?)"},
        {"stages:\n  - grpo:\n      steps: 1\n", "missing key `grpo.problems`"},
        {"stages:\n  - grpo:\n      problems: x\n      steps: many\n",
         "r.yaml:4: `grpo.steps` must be a whole number"},
        {"stages:\n  - grpo:\n      problems: x\n      steps: 0\n",
         "r.yaml:4: `steps` must be in 1 .. "},
        {"stages:\n  - grpo:\n      problems: x\n      loss_type: ppo\n",
         "r.yaml:4: `loss_type` must be one of dapo, grpo"},
        {"stages:\n  - grpo:\n      problems: x\n      group: 8\n      num_generations: 8\n",
         "are the same setting"},
        {"stages:\n  - grpo:\n      problems: x\n      betas: [1, 2, 3]\n",
         "r.yaml:4: `betas` must be two numbers"},
        {"stages:\n  - grpo: {problems: x, minibatches: 9, prompts_per_step: 4}\n",
         "grpo.minibatches (9) is more than"},
        {"stages:\n  - grpo: {problems: x, two_sided: true}\n",
         "two_sided is for loss_type: cispo"},
        {"stages:\n  - grpo: {problems: x, kl_in_reward: true}\n", "needs a `beta`"},
        {"stages:\n  - grpo: {problems: x, advantage: rloo, "
         "multi_objective_aggregation: normalize_then_sum}\n",
         "has its own advantage"},
        {"stages:\n  - grpo: {problems: x, temperature: 0}\n", "grpo.temperature must be 0.001"},
        {"stages:\n  - grpo: {problems: x, stop: [a, \"\"]}\n", "grpo.stop: an empty text"},
        {"stages:\n  - eval: {problems: x, stop: \"\"}\n", "eval.stop: an empty text"},
        {"stages:\n  - grpo: {problems: x, prompts_per_step: 1000000, group: 1000}\n",
         "grpo.prompts_per_step (1000000) times grpo.group (1000) is more than"},
        {"stages:\n  - eval: {problems: x, samples: 1000000}\n",
         "`samples` must be in 0 .. 100000"},
        {"stages:\n  - dpo: {}\n", "r.yaml:2: stages[0] must be one of `sft:`, `grpo:`, `eval:`"},
        {"stages: []\n", "`stages` is empty"},
        {"seed: 1\n", "missing key `stages`"},
        {"seed: -1\n" STAGE, "r.yaml:1: `seed` must not be negative"},
        {"prompt_template: none\n" STAGE, "must hold {prompt} once"},
        {"stages:\n  - sft: {data: []}\n", "`data` is empty"},
        {"stages:\n  - eval: {problems: x, samples: 0, greedy: false}\n", "eval needs `samples`"},
        {"verifier: {url: \"http://h:1\"}\n" STAGE, "`x.yaml` is not in verifier.problems"},
        {"- 1\n", "expected a mapping"},
        {"a: [\n", "r.yaml:"},
        {STAGE "---\n" STAGE, "one YAML document"},
        {"", "one YAML document"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect_error(rows[i].text, NULL, 0, rows[i].message);
}

static void bad_overrides_are_named(void **state)
{
    (void)state;
    expect_error(GOOD, (const char *const[]){"grpo.lr"}, 1, "want KEY=VALUE");
    expect_error(GOOD, (const char *const[]){"grpo.lrr=1"}, 1,
                 "--set: unknown key `grpo.lrr` (did you mean `lr`?)");
    expect_error(GOOD, (const char *const[]){"grpo.lr=fast"}, 1,
                 "--set: `grpo.lr` must be a number");
    expect_error(GOOD, (const char *const[]){"stages.9.lr=1"}, 1, "no such stage");
    expect_error(STAGE, (const char *const[]){"grpo.lr=1"}, 1, "no such stage");
    expect_error(GOOD, (const char *const[]){"seed.x=1"}, 1, "cannot be set");
    expect_error(GOOD, (const char *const[]){"seed=[1"}, 1, "--set seed=[1");
    expect_error(GOOD, (const char *const[]){"..=1"}, 1, "cannot be set");
}

static void remote_verifier_names_its_sources(void **state)
{
    (void)state;
    struct recipe r =
        parsed("verifier: {url: \"http://h:1\", problems: [a.yaml, x.yaml]}\n" STAGE, NULL, 0);
    assert_int_equal(r.stages[0].eval.source, 1);
    recipe_free(&r);
}

/* One URL or a list of them, and what is written is read back to the same. */
static void verifiers_are_a_list(void **state)
{
    (void)state;
    struct buf text = {0}, again = {0};
    struct recipe r = parsed("verifier: {urls: [\"http://h:1\", \"unix:/s\"], token_file: t,"
                             " problems: [x.yaml]}\n" STAGE,
                             NULL, 0);
    assert_int_equal(r.verifier_urls.n, 2);
    assert_string_equal(r.verifier_urls.v[1], "unix:/s");
    assert_string_equal(r.verifier_token_file, "t");
    recipe_write(&r, &text);
    recipe_free(&r);
    r = parsed(text.s, NULL, 0);
    recipe_write(&r, &again);
    assert_string_equal(text.s, again.s);
    recipe_free(&r);
    r = parsed("verifier: {url: \"http://h:1\", problems: [x.yaml]}\n" STAGE, NULL, 0);
    assert_int_equal(r.verifier_urls.n, 1);
    recipe_free(&r);
    buf_free(&text);
    buf_free(&again);
}

static void learning_rates(void **state)
{
    (void)state;
    const struct recipe_lr cosine = {1, .1, 10, LR_COSINE}, linear = {2, .5, 0, LR_LINEAR},
                           constant = {3, .1, 2, LR_CONSTANT};
    assert_true(fabs(recipe_lr_at(&cosine, 0, 100) - .1) < 1e-12);
    assert_true(fabs(recipe_lr_at(&cosine, 9, 100) - 1) < 1e-12);
    assert_true(fabs(recipe_lr_at(&cosine, 10, 100) - 1) < 1e-12);
    assert_true(fabs(recipe_lr_at(&cosine, 99, 100) - .1) < 1e-12);
    assert_true(fabs(recipe_lr_at(&linear, 0, 11) - 2) < 1e-12);
    assert_true(fabs(recipe_lr_at(&linear, 5, 11) - 1.5) < 1e-12);
    assert_true(fabs(recipe_lr_at(&linear, 10, 11) - 1) < 1e-12);
    assert_true(fabs(recipe_lr_at(&constant, 50, 60) - 3) < 1e-12);
    assert_true(isfinite(recipe_lr_at(&cosine, 0, 1)) && isfinite(recipe_lr_at(&linear, 0, 1)));
}

static void prompts_are_framed(void **state)
{
    (void)state;
    struct recipe r = parsed("prompt_template: \"<q>{prompt}</q>\\n\"\n" STAGE, NULL, 0);
    struct buf out = {0};
    recipe_prompt(&r, STR("sort it"), &out);
    assert_string_equal(out.s, "<q>sort it</q>\n");
    buf_free(&out);
    recipe_free(&r);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_and_values),
        cmocka_unit_test(sources_are_numbered_once),
        cmocka_unit_test(overrides_change_values),
        cmocka_unit_test(an_adapter_needs_a_model),
        cmocka_unit_test(resolved_recipe_reads_back),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(bad_overrides_are_named),
        cmocka_unit_test(remote_verifier_names_its_sources),
        cmocka_unit_test(verifiers_are_a_list),
        cmocka_unit_test(learning_rates),
        cmocka_unit_test(prompts_are_framed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
