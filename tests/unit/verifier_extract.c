/* verifier_extract.c: replies of all shapes to the program in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "verifier/extract.h"

static void expect_entry(const char *reply, const char *entry_point, const char *rule,
                         const char *code)
{
    struct arena a = {0};
    struct extraction x;
    assert_int_equal(extract_program(str_of(reply), entry_point, &a, &x), 0);
    char *got = strndup(x.code.s, x.code.len);
    assert_string_equal(got, code);
    assert_string_equal(x.rule, rule);
    assert_true(x.other_language == (strcmp(rule, "other-language-fence") == 0));
    free(got);
    arena_free(&a);
}

static void expect(const char *reply, const char *rule, const char *code)
{
    expect_entry(reply, "f", rule, code);
}

#define F1 "def f(x):\n    return 1\n"
#define F2 "def f(x):\n    return 2\n"

static void whole_texts(void **state)
{
    (void)state;
    expect(F1, "whole-text", F1);
    expect("\xef\xbb\xbf" F1, "whole-text", F1);
    expect("def f(x):\r\n    return 1\r\n", "whole-text", F1);
    expect("def f(x):\r    return 1", "whole-text", F1);
    expect("    def f(x):\n        return 1", "whole-text", F1);
    expect("", "empty", "");
    expect(" \n\t\n", "empty", "");
    expect("use `f` here", "whole-text", "use `f` here\n");
    expect("x = '\xff'\n", "whole-text", "x = '\xef\xbf\xbd'\n");
}

static void thoughts_and_answers(void **state)
{
    (void)state;
    expect("<think>hm ```python\nx\n```</think>" F1, "whole-text", F1);
    expect("<think>a</think><think>b</think>\n" F1, "whole-text", "\n" F1);
    expect("<think>never closed\n" F1, "empty", "");
    expect("thoughts without an opening\n</think>" F1, "whole-text", F1);
    expect("<think>a<think>b</think>c</think>" F1, "whole-text", F1);
    expect("<think>x</think><answer>" F1 "</answer> bye", "answer-text", F1);
    expect("<answer>one</answer><answer>" F2 "</answer>", "answer-text", F2);
    expect("<answer>" F1, "answer-text", F1);
    expect("<answer>" F1 "</answer>\nThe <answer> tag holds the code.", "answer-text", F1);
    expect("</answer><answer>" F1, "answer-text", F1);
    expect("<answer>\n```python\n" F1 "```\n</answer>", "last-python-fence", F1);
    expect("```python\n" F1 "```\n<answer></answer>", "empty", "");
    expect("```python\n" F1 "```<|im_end|>\n", "last-python-fence", F1);
    expect("<answer>" F1 "</answer></s>", "answer-text", F1);
    expect(F1 "<|eot_id|>\n<|end_of_text|>", "whole-text", F1);
    expect(F1 "<\xef\xbd\x9c"
              "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>",
           "whole-text", F1);
    expect(F1 "# a<|b|>c", "whole-text", F1 "# a<|b|>c\n");
    expect("x = y</s", "whole-text", "x = y</s\n");
    expect("</s>", "empty", "");
    expect("<answer>said <think>in it</think>" F1 "</answer>", "answer-text", "said " F1);
}

static void fences_are_chosen(void **state)
{
    (void)state;
    expect("Here:\n```python\n" F1 "```\nDone.", "last-python-fence", F1);
    expect("```python\n" F1 "```\n```python\n" F2 "```\n", "last-python-fence", F2);
    expect("```python\n" F1 "```\n```python\nprint(f(3))\n```\n", "entry-point-fence", F1);
    expect("```python\n" F1 "```\n```\nf(3) gives 1\n```\n", "last-python-fence", F1);
    expect("```\n" F1 "```\n```\noutput\n```\n", "entry-point-fence", F1);
    expect("```\n" F1 "```\n", "last-untagged-fence", F1);
    expect("```bash\npip install x\n```\n```Py3 title=a\n" F1 "```", "last-python-fence", F1);
    expect("```{.python}\n" F1 "```", "last-python-fence", F1);
    expect("```ruby\nputs 1\n```", "other-language-fence", "puts 1\n");
    expect("~~~python\n" F1 "~~~", "last-python-fence", F1);
    expect("```python\n" F1, "unclosed-fence", F1);
    expect("```python\n\n```\n```\n" F1 "```", "last-untagged-fence", F1);
    expect_entry("```python\nx = 1\n```\n```python\ny = 2\n```\n", NULL, "last-python-fence",
                 "y = 2\n");
    expect("```python\nclass f:\n    pass\n```\n```python\n2\n```", "entry-point-fence",
           "class f:\n    pass\n");
    expect("```python\nf = len\n```\n```python\nf == 2\n```", "entry-point-fence", "f = len\n");
    expect(
        "```python\nclass Solution:\n    def f(self):\n        pass\n```\n```python\ng = f2\n```",
        "entry-point-fence", "class Solution:\n    def f(self):\n        pass\n");
    expect("```python\ndef f2():\n    pass\n```\n```python\n3\n```", "last-python-fence", "3\n");
    expect("```python\nasync  def f():\n    pass\n```\n```python\n3\n```", "entry-point-fence",
           "async  def f():\n    pass\n");
}

static void prose_around_a_program(void **state)
{
    (void)state;
    expect("Here is the code:\n\n" F1, "between-prose", F1);
    expect("Here is the code:\n" F1 "\nIt returns one, always.\n", "between-prose", F1 "\n");
    expect(F1 "\nThis is all of it.\nHope it helps you!", "between-prose", F1 "\n");
    expect("\nimport math\n" F1 "That is all there is.\n", "between-prose", "\nimport math\n" F1);
    expect("<answer>Sure, take this one:\n" F1 "</answer>", "between-prose", F1);
    expect("It is easy to see.\nNothing else to say.\n", "whole-text",
           "It is easy to see.\nNothing else to say.\n");
    expect("if x and y:\n    pass\n" F1, "whole-text", "if x and y:\n    pass\n" F1);
    expect(F1 "\"\"\"\nIt is all said.\n\"\"\"\n", "whole-text",
           F1 "\"\"\"\nIt is all said.\n\"\"\"\n");
    expect("x = 3\n" F1, "whole-text", "x = 3\n" F1);
}

static void imports_come_along(void **state)
{
    (void)state;
    expect("First:\n```python\nimport math\n```\nThen:\n```python\n" F1 "```\n",
           "last-python-fence", "import math\n\n" F1);
    expect("```python\nfrom a import b\n# so\n```\n```python\n" F1
           "```\n```python\nf(3)\n```\n```python\nimport z\n```",
           "entry-point-fence", "from a import b\n# so\n\n" F1);
    expect("```python\nimport math\nx = 1\n```\n```python\n" F1 "```\n", "last-python-fence", F1);
    expect("```python\nimport math\n```\n", "last-python-fence", "import math\n");
    expect("```ruby\nputs 1\n```\n```ruby\nputs 1 if true\n```\n```ruby\nf\n```",
           "other-language-fence", "puts 1 if true\n");
}

static void fence_edges(void **state)
{
    (void)state;
    expect("````python\ns = '''\n```\n'''\n````\n", "last-python-fence", "s = '''\n```\n'''\n");
    expect("```python\ndef f():\n    \"\"\"\n    ```\n    x\n    ```\n    \"\"\"\n```\nbye",
           "last-python-fence", "def f():\n    \"\"\"\n    ```\n    x\n    ```\n    \"\"\"\n");
    expect("1. So:\n\n   ```python\n   def f(x):\n       return 1\n   ```\n", "last-python-fence",
           F1);
    expect("```python\ndef f(x):\n    return 1```\nSo it is.", "last-python-fence", F1);
    expect("```python\n\tif 1:\n\t\tx = 1\n```", "last-python-fence", "if 1:\n\tx = 1\n");
    expect("```python\n    a = 1\n  b = 2\n```", "last-python-fence", "  a = 1\nb = 2\n");
    expect("the ```code``` word\n" F1, "whole-text", "the ```code``` word\n" F1);
    expect("``\n" F1 "``\n", "whole-text", "``\n" F1 "``\n");
}

#ifdef __SANITIZE_ADDRESS__
enum { LINEAR_MS_MAX = 15000 };
#else
enum { LINEAR_MS_MAX = 1500 };
#endif

static void time_is_linear(void **state)
{
    (void)state;
    static const char *const parts[] = {"<think>", "</think>", "<answer>",     "```python\n",
                                        "```\n",   "`",        "    \n\t x\n", "def f\n"};
    enum { BYTES = 4 << 20 };
    char *text = xcalloc(BYTES, 1);
    for (size_t k = 0; k < COUNT_OF(parts); k++) {
        struct arena a = {0};
        struct extraction x;
        size_t n = strlen(parts[k]);
        for (size_t i = 0; i < BYTES; i++)
            text[i] = parts[k][i % n];
        int64_t start = cpu_ns();
        extract_program(str_make(text, BYTES), "f", &a, &x);
        assert_true(cpu_ns() - start < LINEAR_MS_MAX * (int64_t)NS_PER_MS);
        arena_free(&a);
    }
    free(text);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_texts),
        cmocka_unit_test(thoughts_and_answers),
        cmocka_unit_test(prose_around_a_program),
        cmocka_unit_test(imports_come_along),
        cmocka_unit_test(fences_are_chosen),
        cmocka_unit_test(fence_edges),
        cmocka_unit_test(time_is_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
