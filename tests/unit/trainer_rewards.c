/* Rewards beside the grade. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/check.h"
#include "base/file.h"
#include "trainer/rl/rewards.h"

static void format_reward(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double reward;
    } rows[] = {
        {"<think>a</think><answer>b</answer>", 1},
        {" <think>\na\n</think>\n\n<answer>\n```python\npass\n```\n</answer>\n", 1},
        {"<answer>b</answer>", 0},
        {"<think>a</think><answer>b", 0},
        {"<think>a</think> so <answer>b</answer>", 0},
        {"<think>a</think><answer>b</answer> done", 0},
        {"<think>a<think>b</think><answer>c</answer>", 0},
        {"<think>a</think></think><answer>c</answer>", 0},
        {"<answer>b</answer><think>a</think>", 0},
        {"", 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(rl_reward_format(str_of(rows[i].text)) == rows[i].reward);
}

static void language_is_the_prompts_script(void **state)
{
    (void)state;
    static const struct {
        const char *prompt, *text;
        double reward;
    } rows[] = {
        {"Sort a list.", "<think>I sort it</think>", 1},
        {"Sort a list.", "", 1},
        {"Sort a list.", "12 + 3 = 15", 1},
        {"Sort a list.", "first \xd0\xb4\xd0\xb0 then \xd0\xbd\xd0\xb5\xd1\x82", .5},
        {"\xe6\x8e\x92\xe5\xba\x8f\xe5\x88\x97\xe8\xa1\xa8", /* four characters of Han */
         "\xe5\x85\x88\xe6\x8e\x92 ok", 2. / 3},
        /* Code is in no language, and a broken byte is no letter. */
        {"\xe6\x8e\x92", "\xe6\x8e\x92 ```python\nreturn sorted(xs)\n``` \xff", 1},
        {"Trie la liste.", "d\xc3\xa9j\xc3\xa0 tri\xc3\xa9", 1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_float_equal(rl_reward_language(str_of(rows[i].prompt), str_of(rows[i].text)),
                           rows[i].reward, 1e-9);
}

static void overlong_penalty_grows_over_the_buffer(void **state)
{
    (void)state;
    assert_true(rl_reward_overlong(80, 100, 20) == 0);
    assert_true(rl_reward_overlong(90, 100, 20) == -.5);
    assert_true(rl_reward_overlong(100, 100, 20) == -1);
    assert_true(rl_reward_overlong(101, 100, 20) == -1);
    assert_true(rl_reward_overlong(1, 100, 20) == 0);
}

static void math_answers_by_value(void **state)
{
    (void)state;
    static const struct {
        const char *solution, *text;
        double reward;
    } rows[] = {
        {"#### 18", "She makes 9 * 2 = $18 every day.", 1},
        {"#### 18", "<think>17? 18!</think> The answer is 18.", 1},
        {"#### 18", "<think>It is 18", 0}, /* still thinking */
        {"#### 18", "<answer>18</answer>", 1},
        {"#### 18", "18 and then 19", 0},
        {"#### 18", "\\boxed{18}, not 19", 1},
        {"#### 18", "#### 18\nbecause 9 * 2 is that, see 3", 1},
        {"#### 1,234", "1234", 1},
        {"#### 1234", "it is 1,234.00 dollars.", 1},
        {"#### -3", "x = -3", 1},
        {"#### 3", "x = -3", 0},
        {"#### 3", "9-3", 1}, /* an operator, not a sign */
        {"#### 0.5", "\\boxed{\\frac{1}{2}}", 1},
        {"#### 0.5", "\\boxed{\\dfrac12}", 1},
        {"#### 1/2", ".50", 1},
        {"#### 0.333", "1/3", 0},
        {"#### 1/3", "2/6", 1},
        {"\\boxed{-\\frac{3}{4}}", "-0.75", 1},
        {"\\boxed{50\\%}", "50%", 1},
        {"#### $18", "\\boxed{\\$18.00}", 1},
        {"#### 18", "\\boxed{$}", 0},
        {"\\boxed{x^{2} + 1}", "so \\boxed{x^{2}+1}", 1},
        {"\\boxed{x^{2} + 1}", "so \\boxed{x^{2}-1}", 0},
        {"#### 5", "\\boxed{5", 1}, /* braces that do not close: the last number */
        {"#### 5", "1/0", 0},
        {"#### 123456789012345678901", "123456789012345678902", 0},
        {"#### 5", "", 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rl_reward_math(str_of(rows[i].solution), str_of(rows[i].text)) != rows[i].reward)
            fail_msg("row %zu: %s against %s", i, rows[i].text, rows[i].solution);
    assert_true(isnan(rl_reward_math(STR("no number here"), STR("5"))));
}

/* Every answer of GSM8K: as it is worked out, boxed, said in a sentence, and off by one. */
static void gsm8k_answers(void **state)
{
    (void)state;
    struct buf file = {0}, text = {0};
    if (access("../shared/data/gsm8k/test.jsonl.gz", R_OK) != 0) {
        print_message("../shared/data/gsm8k/test.jsonl.gz is absent\n");
        skip();
    }
    assert_int_equal(file_read("../shared/data/gsm8k/test.jsonl.gz", 64 << 20, &file, NULL), 0);
    int n = 0;
    for (char *line = strtok(file.s, "\n"); line; line = strtok(NULL, "\n"), n++) {
        json_t *row = json_loads(line, 0, NULL);
        const char *solution = json_string_value(json_object_get(row, "answer"));
        const char *number = strstr(solution, "#### ") + 5;
        char digits[64], *to = digits;
        for (const char *c = number; *c; c++)
            if (*c != ',')
                *to++ = *c;
        *to = 0;
        static const char *const around[][2] = {
            {"\\boxed{", "}"}, {"The answer is $", ".00."}, {"<think>7</think>", "/1"}};
        for (size_t i = 0; i < COUNT_OF(around); i++) {
            buf_clear(&text);
            buf_printf(&text, "%s%s%s", around[i][0], digits, around[i][1]);
            if (rl_reward_math(str_of(solution), buf_view(&text)) != 1)
                fail_msg("%s against %s", text.s, number);
        }
        assert_true(rl_reward_math(str_of(solution), str_of(solution)) == 1);
        buf_clear(&text);
        buf_printf(&text, "%lld", atoll(digits) + 1);
        assert_true(rl_reward_math(str_of(solution), buf_view(&text)) == 0);
        json_decref(row);
    }
    assert_int_equal(n, 1319);
    buf_free(&file);
    buf_free(&text);
}

static void near(double got, double wanted)
{
    if (fabs(got - wanted) > 1e-6)
        fail_msg("%.9f, wanted %.9f", got, wanted);
}

static void length_rewards(void **state)
{
    (void)state;
    near(rl_reward_cosine(0, 100, true), 1);
    near(rl_reward_cosine(25, 100, true), .9267767);
    near(rl_reward_cosine(50, 100, true), .75);
    near(rl_reward_cosine(100, 100, true), .5);
    near(rl_reward_cosine(120, 100, true), .5);
    near(rl_reward_cosine(0, 100, false), -1);
    near(rl_reward_cosine(75, 100, false), -.5732233);
    near(rl_reward_cosine(100, 100, false), -.5);
    near(rl_reward_length(10, 10, 30, true), .5);
    near(rl_reward_length(15, 10, 30, true), .25);
    near(rl_reward_length(30, 10, 30, true), -.5);
    near(rl_reward_length(10, 10, 30, false), 0);
    near(rl_reward_length(25, 10, 30, false), -.25);
    near(rl_reward_length(7, 7, 7, true), 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_reward),
        cmocka_unit_test(language_is_the_prompts_script),
        cmocka_unit_test(overlong_penalty_grows_over_the_buffer),
        cmocka_unit_test(math_answers_by_value),
        cmocka_unit_test(gsm8k_answers),
        cmocka_unit_test(length_rewards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
