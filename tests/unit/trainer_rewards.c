/* Rewards beside the grade. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
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

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_reward),
        cmocka_unit_test(language_is_the_prompts_script),
        cmocka_unit_test(overlong_penalty_grows_over_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
