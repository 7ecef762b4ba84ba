/* A batch dealt to workers: each sequence once, the workers even, prompts computed seldom more than
 * once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/rng.h"
#include "trainer/rl/share.h"

enum { MANY = 300, PROMPT = 20, LENGTH_MAX = 120, WORKERS_MAX = 16 };

struct batch {
    int32_t tokens[MANY][LENGTH_MAX];
    struct rl_sequence v[MANY];
    int n, prompt;
};

/* n sequences in groups that share a prompt, completions of least .. most tokens. */
static void make(struct batch *b, int n, int group, int prompt, int least, int most)
{
    struct rng r = rng_make(11, (uint64_t)(n * group));
    b->n = n;
    b->prompt = prompt;
    for (int i = 0; i < n; i++) {
        const int length = prompt + least + (int)rng_below(&r, (uint64_t)(most - least) + 1);
        for (int t = 0; t < LENGTH_MAX; t++)
            b->tokens[i][t] = t < prompt ? 1000 * (i / group) + t : i;
        b->v[i] =
            (struct rl_sequence){.tokens = b->tokens[i], .n_prompt = prompt, .n_tokens = length};
    }
}

/* What the workers compute, together and the one with most; each sequence must be somewhere once. */
struct dealt {
    long all, most;
};

static struct dealt deal(struct rl_share *s, const struct batch *b, int workers)
{
    struct dealt d = {0};
    bool seen[MANY] = {0};
    rl_share_out(s, b->v, b->n, workers);
    assert_int_equal(s->start[0], 0);
    assert_int_equal(s->start[workers], b->n);
    for (int w = 0; w < workers; w++) {
        long tokens = 0;
        for (int i = s->start[w]; i < s->start[w + 1]; i++) {
            tokens += rl_packed_tokens(s->v[i], i > s->start[w] ? s->v[i - 1] : NULL);
            assert_false(seen[s->v[i] - b->v]);
            seen[s->v[i] - b->v] = true;
        }
        d.all += tokens;
        d.most = tokens > d.most ? tokens : d.most;
    }
    return d;
}

static void sequences_alone(void **state)
{
    (void)state;
    static struct batch b;
    struct rl_share s = {0};
    for (int n = 1; n <= MANY; n = 2 * n + 1)
        for (int workers = 1; workers <= WORKERS_MAX; workers *= 2) {
            make(&b, n, 1, PROMPT, 10, 100);
            const struct dealt d = deal(&s, &b, workers);
            assert_true(d.most <= d.all / workers + LENGTH_MAX);
        }
    /* Ten sequences for two, as in a small step: nearly even. */
    make(&b, 10, 1, PROMPT, 10, 100);
    const struct dealt d = deal(&s, &b, 2);
    assert_true((double)d.most < 1.05 * (double)d.all / 2);
    rl_share_free(&s);
}

static void groups(void **state)
{
    (void)state;
    static struct batch b;
    struct rl_share s = {0};
    /* Four equal groups for two workers: no prompt twice. */
    make(&b, 32, 8, PROMPT, 50, 50);
    struct dealt d = deal(&s, &b, 2);
    assert_int_equal(d.all, 4 * (PROMPT - 1 + 8 * 50));
    assert_int_equal(d.most, d.all / 2);
    /* Seven: one is cut, and its prompt computed by both. */
    make(&b, 56, 8, PROMPT, 50, 50);
    d = deal(&s, &b, 2);
    assert_int_equal(d.all, 7 * (PROMPT - 1 + 8 * 50) + PROMPT - 1);
    assert_true(d.most <= d.all / 2 + 50);
    /* One group for all. */
    make(&b, 64, 64, PROMPT, 10, 90);
    for (int workers = 1; workers <= WORKERS_MAX; workers *= 2) {
        d = deal(&s, &b, workers);
        assert_true(d.most <= d.all / workers + LENGTH_MAX);
    }
    rl_share_free(&s);
}

static void the_same_again(void **state)
{
    (void)state;
    static struct batch b;
    struct rl_share one = {0}, other = {0};
    make(&b, MANY, 6, PROMPT, 10, 100);
    rl_share_out(&one, b.v, 5, 2); /* memory that has been used */
    rl_share_out(&one, b.v, b.n, 3);
    rl_share_out(&other, b.v, b.n, 3);
    assert_memory_equal(one.start, other.start, 4 * sizeof *one.start);
    for (int i = 0; i < b.n; i++)
        assert_ptr_equal(one.v[i], other.v[i]);
    rl_share_free(&one);
    rl_share_free(&other);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_alone),
        cmocka_unit_test(groups),
        cmocka_unit_test(the_same_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
