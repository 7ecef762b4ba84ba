/* What supervised training sees: rows from files, their order, and how they are packed; and the
 * walk over problems. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "trainer/rl/dataset.h"
#include "trainer/rl/evaluate.h"
#include "trainer/rl/rollout.h"

static struct recipe RECIPE = {.prompt_template = (char *)"Q: {prompt}\nA:"};

/* A dataset from the text of a JSONL file, or the error. */
static int load(const char *text, struct dataset *d, struct err *err)
{
    char path[] = "/tmp/assay-dataset-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    int rc = dataset_add_file(d, &RECIPE, path, err);
    unlink(path);
    return rc;
}

static void rows_of_both_shapes(void **state)
{
    (void)state;
    struct dataset d = {0};
    struct err err = {0};
    assert_int_equal(load("{\"prompt\":\"one\",\"completion\":\"eins\",\"extra\":1}\n\n"
                          "{\"messages\":[{\"role\":\"user\",\"content\":\"two\"},{\"role\":"
                          "\"assistant\",\"content\":\"zwei\"}]}\n",
                          &d, &err),
                     0);
    assert_int_equal(d.n, 2);
    assert_true(str_eq(d.text[0].prompt, STR("Q: one\nA:")) &&
                str_eq(d.text[0].completion, STR("eins")));
    assert_true(str_eq(d.text[1].prompt, STR("Q: two\nA:")) &&
                str_eq(d.text[1].completion, STR("zwei")));
    dataset_free(&d);
}

/* With a chat template: a system message, earlier turns, and the last answer to learn. */
static void conversations(void **state)
{
    (void)state;
    struct dataset d = {0};
    struct err err = {0};
    RECIPE.chat = CHAT_CHATML;
    int rc = load(
        "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":"
        "\"a\"},{\"role\":\"assistant\",\"content\":\"b\"},{\"role\":\"user\",\"content\":\"c\"},"
        "{\"role\":\"assistant\",\"content\":\"d\"}]}\n{\"prompt\":\"x\",\"completion\":\"y\"}\n",
        &d, &err);
    struct err odd = {0};
    struct dataset none = {0};
    int bad = load("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\","
                   "\"content\":\"b\"}]}",
                   &none, &odd);
    RECIPE.chat = CHAT_NONE;
    assert_int_equal(rc, 0);
    assert_string_equal(
        d.text[0].prompt.s,
        "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>"
        "assistant\nb<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n");
    assert_string_equal(d.text[0].completion.s, "d");
    assert_string_equal(d.text[1].prompt.s,
                        "<|im_start|>user\nQ: x\nA:<|im_end|>\n<|im_start|>assistant\n");
    assert_int_equal(bad, -EINVAL);
    assert_non_null(strstr(odd.text, "`messages[1]` must have role \"assistant\""));
    dataset_free(&d);
    dataset_free(&none);
}

static void bad_rows_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"{\"prompt\":\"a\",\"completion\":\"b\"}\n{\"prompt\":\"a\"}\n", ":2: a row needs"},
        {"{\"prompt\":1,\"completion\":\"b\"}\n", ":1: a row needs"},
        {"{\"prompt\":\"a\",\n", ":1: "},
        {"[]\n", ":1: a row needs"},
        {"{\"messages\":[{\"role\":\"system\",\"content\":\"x\"},{\"role\":\"user\",\"content\":"
         "\"x\"}]}",
         ":1: `messages[0]`"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", ":1: `messages` must end"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":"
         "\"y\"},{"
         "\"role\":\"user\",\"content\":\"z\"}]}",
         ":1: `messages` of more than one question"},
        {"\n \n", "no rows"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct dataset d = {0};
        struct err err = {0};
        assert_int_equal(load(rows[i].text, &d, &err), -EINVAL);
        assert_non_null(strstr(err.text, rows[i].says));
        dataset_free(&d);
    }
    struct err err = {0};
    assert_int_equal(dataset_add_file(&(struct dataset){0}, &RECIPE, "/nonexistent/x.jsonl", &err),
                     -ENOENT);
}

static struct tokenizer *tiny_tokenizer(void)
{
    const struct str texts[] = {STR("Q: one\nA:"), STR("eins")};
    const char *const specials[] = {"<|endoftext|>"};
    struct tokenizer *t = NULL;
    struct err err;
    assert_int_equal(tok_train(texts, 2, 260, NULL, specials, 1, &t, &err), 0);
    return t;
}

static void tokens_end_with_eos(void **state)
{
    (void)state;
    struct dataset d = {0};
    struct err err = {0};
    struct tokenizer *t = tiny_tokenizer();
    int32_t eos = tok_special(t, "<|endoftext|>");
    assert_int_equal(load("{\"prompt\":\"one\",\"completion\":\"eins <|endoftext|>\"}", &d, &err),
                     0);
    assert_int_equal(dataset_tokenise(&d, t, eos, 512, &err), 0);
    const struct rl_sequence *s = &d.rows[0];
    struct buf text = {0};
    assert_int_equal(s->tokens[s->n_tokens - 1], eos);
    for (int i = 0; i < s->n_tokens - 1; i++)
        assert_int_not_equal(s->tokens[i], eos); /* the same letters in the data are only letters */
    tok_decode(t, s->tokens, s->n_prompt, false, &text);
    assert_string_equal(text.s, "Q: one\nA:");
    buf_clear(&text);
    tok_decode(t, s->tokens + s->n_prompt, s->n_tokens - s->n_prompt, false, &text);
    assert_string_equal(text.s, "eins <|endoftext|>");
    assert_int_equal(dataset_tokenise(&d, t, eos, s->n_tokens - 1, &err), -EINVAL);
    assert_int_equal(dataset_tokenise(&d, t, -1, 512, &err), -EINVAL);
    assert_non_null(strstr(err.text, "eos_token_id"));
    buf_free(&text);
    tok_free(t);
    dataset_free(&d);
}

/* n rows of known lengths that no file was needed for. */
static void fill(struct dataset *d, int n)
{
    d->n = n;
    d->rows = xcalloc((size_t)n, sizeof *d->rows);
    for (int i = 0; i < n; i++)
        d->rows[i] = (struct rl_sequence){.n_prompt = 1, .n_tokens = 10 + i * 37 % 90};
}

static void plan_is_whole_bounded_and_repeatable(void **state)
{
    (void)state;
    enum { N = 500, EPOCHS = 3, LIMIT = 300 };
    struct dataset d = {0};
    struct dataset_plan a, b, other;
    fill(&d, N);
    struct err err = {0};
    assert_int_equal(dataset_plan_make(&d, 5, EPOCHS, LIMIT, &a, &err), 0);
    assert_int_equal(dataset_plan_make(&d, 5, EPOCHS, LIMIT, &b, &err), 0);
    assert_int_equal(dataset_plan_make(&d, 6, EPOCHS, LIMIT, &other, &err), 0);
    assert_int_equal(dataset_plan_make(&d, 6, 1000000000, LIMIT, &b, &err), -E2BIG);
    assert_non_null(strstr(err.text, "1000000000 epochs of 500 rows"));
    for (int e = 0; e < EPOCHS; e++) {
        bool seen[N] = {false};
        for (int i = 0; i < N; i++)
            seen[a.order[e * N + i]] = true;
        for (int i = 0; i < N; i++)
            assert_true(seen[i]);
    }
    for (int i = 0; i < a.n_batches; i++) {
        int tokens = 0;
        assert_true(a.cut[i] < a.cut[i + 1]);
        for (int j = a.cut[i]; j < a.cut[i + 1]; j++)
            tokens += d.rows[a.order[j]].n_tokens;
        assert_true(tokens <= LIMIT);
    }
    assert_int_equal(a.cut[a.n_batches], N * EPOCHS);
    assert_int_equal(a.n_batches, b.n_batches);
    assert_memory_equal(a.order, b.order, N * EPOCHS * sizeof(int));
    assert_true(memcmp(a.order, other.order, N * EPOCHS * sizeof(int)) != 0);
    assert_true(memcmp(a.order, a.order + N, N * sizeof(int)) != 0);
    dataset_plan_free(&a);
    dataset_plan_free(&b);
    dataset_plan_free(&other);
    dataset_free(&d);
}

static void a_row_past_the_limit_is_a_batch_of_its_own(void **state)
{
    (void)state;
    struct dataset d = {0};
    struct dataset_plan p;
    fill(&d, 20);
    assert_int_equal(dataset_plan_make(&d, 1, 1, 5, &p, NULL), 0);
    assert_int_equal(p.n_batches, 20);
    dataset_plan_free(&p);
    dataset_free(&d);
}

static void packing(void **state)
{
    (void)state;
    const int32_t one[] = {1, 2, 3, 9}, two[] = {4, 5, 9};
    const float old[] = {-.5f, -.25f};
    const struct rl_sequence a = {.tokens = one,
                                  .n_prompt = 2,
                                  .n_tokens = 4,
                                  .advantage = 2,
                                  .old_logp = old},
                             b = {.tokens = two, .n_prompt = 1, .n_tokens = 3};
    const struct rl_sequence *const seqs[] = {&a, &b};
    const int32_t tokens[] = {1, 2, 3, 4, 5}, target[] = {3, 9, 5, 9};
    const int row[] = {1, 2, 3, 4}, start[] = {0, 3, 5}, row_start[] = {0, 2, 4};
    struct rl_pack p = {0};
    for (int again = 0; again < 2; again++) {
        rl_pack_fill(&p, seqs, 2);
        assert_int_equal(p.batch.n_tokens, 5);
        assert_int_equal(p.batch.n_rows, 4);
        assert_memory_equal(p.tokens, tokens, sizeof tokens);
        assert_memory_equal(p.target, target, sizeof target);
        assert_memory_equal(p.row, row, sizeof row);
        assert_memory_equal(p.start, start, sizeof start);
        assert_memory_equal(p.row_start, row_start, sizeof row_start);
        assert_true(p.advantage[0] == 2 && p.advantage[1] == 0);
        assert_true(p.old_logp[0] == old[0] && p.old_logp[1] == old[1] && p.old_logp[2] == 0);
    }
    rl_pack_free(&p);
}

/* Two completions of one prompt, then one of another: the first prompt lies there once. */
static void packing_shares_prompts(void **state)
{
    (void)state;
    const int32_t one[] = {1, 2, 3, 7, 9}, two[] = {1, 2, 3, 9}, three[] = {1, 2, 4, 9};
    const struct rl_sequence a = {.tokens = one, .n_prompt = 3, .n_tokens = 5},
                             b = {.tokens = two, .n_prompt = 3, .n_tokens = 4},
                             c = {.tokens = three, .n_prompt = 3, .n_tokens = 4};
    const struct rl_sequence *const seqs[] = {&a, &b, &c};
    const int32_t tokens[] = {1, 2, 3, 7, 3, 1, 2, 4}, target[] = {7, 9, 9, 9};
    const int row[] = {2, 3, 4, 7}, start[] = {0, 2, 4, 5, 8}, parent[] = {-1, 0, 0, -1},
              row_start[] = {0, 2, 3, 4};
    struct rl_pack p = {0};
    rl_pack_fill(&p, seqs, 3);
    assert_int_equal(p.n_seq, 3);
    assert_int_equal(p.batch.n_seq, 4);
    assert_int_equal(p.batch.n_tokens, 8);
    assert_memory_equal(p.tokens, tokens, sizeof tokens);
    assert_memory_equal(p.target, target, sizeof target);
    assert_memory_equal(p.row, row, sizeof row);
    assert_memory_equal(p.start, start, sizeof start);
    assert_memory_equal(p.parent, parent, sizeof parent);
    assert_memory_equal(p.row_start, row_start, sizeof row_start);
    assert_int_equal(rl_packed_tokens(&a, NULL), 4);
    assert_int_equal(rl_packed_tokens(&b, &a), 1);
    assert_int_equal(rl_packed_tokens(&c, &b), 3);
    rl_pack_free(&p);
}

static void cursor_repeats_nothing_within_an_epoch_and_resumes(void **state)
{
    (void)state;
    enum { N = 37 };
    struct task_cursor c, later;
    int drawn[3 * N];
    task_cursor_start(&c, 11, N, 0);
    for (int i = 0; i < 3 * N; i++)
        drawn[i] = task_cursor_next(&c);
    for (int e = 0; e < 3; e++) {
        bool seen[N] = {false};
        for (int i = 0; i < N; i++) {
            assert_false(seen[drawn[e * N + i]]);
            seen[drawn[e * N + i]] = true;
        }
    }
    assert_true(memcmp(drawn, drawn + N, N * sizeof *drawn) != 0);
    task_cursor_start(&later, 11, N, 50);
    for (int i = 50; i < 3 * N; i++)
        assert_int_equal(task_cursor_next(&later), drawn[i]);
    task_cursor_free(&c);
    task_cursor_free(&later);
}

static void unbiased_pass_at_k(void **state)
{
    (void)state;
    assert_float_equal(pass_at_k(10, 3, 1), .3, 1e-7);
    assert_float_equal(pass_at_k(10, 3, 2), .5333333, 1e-6);
    assert_float_equal(pass_at_k(10, 3, 5), .9166667, 1e-6);
    assert_true(pass_at_k(4, 0, 4) == 0 && pass_at_k(4, 4, 1) == 1 && pass_at_k(4, 1, 4) == 1);
    assert_true(isnan(pass_at_k(3, 1, 4)));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_both_shapes),
        cmocka_unit_test(conversations),
        cmocka_unit_test(bad_rows_are_named),
        cmocka_unit_test(tokens_end_with_eos),
        cmocka_unit_test(plan_is_whole_bounded_and_repeatable),
        cmocka_unit_test(a_row_past_the_limit_is_a_batch_of_its_own),
        cmocka_unit_test(packing),
        cmocka_unit_test(packing_shares_prompts),
        cmocka_unit_test(cursor_repeats_nothing_within_an_epoch_and_resumes),
        cmocka_unit_test(unbiased_pass_at_k),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
