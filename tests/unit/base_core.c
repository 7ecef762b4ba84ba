/* base_core.c: the leaf headers: strings, buffers, arena, list, errors, random numbers, log
 * escapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/rng.h"

static void strings_have_lengths(void **state)
{
    (void)state;
    struct str s = STR("abcabc");
    assert_int_equal(str_find(s, STR("ca"), 0), 2);
    assert_int_equal(str_find(s, STR("bc"), 2), 4);
    assert_int_equal(str_find(s, STR("x"), 0), -1);
    assert_int_equal(str_find(s, STR("a"), 99), -1);
    assert_true(str_starts(s, STR("abc")));
    assert_false(str_starts(STR("ab"), STR("abc")));
    assert_true(str_eq(str_from(s, 3), STR("abc")));
    assert_int_equal(str_from(s, 99).len, 0);
    assert_int_equal(str_of(NULL).len, 0);
}

static void buffers_grow_and_stay_terminated(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_string_equal(buf_view(&b).s, "");
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "%d,", i);
    assert_int_equal(b.len, strlen(b.s));
    assert_int_equal(b.len, 3890);
    buf_clear(&b);
    buf_add(&b, "a\0b", 3);
    assert_int_equal(b.len, 3);
    assert_int_equal(b.s[3], 0);
    buf_free(&b);
    assert_null(b.s);
}

static void arena_blocks_never_move(void **state)
{
    (void)state;
    struct arena a = {0};
    char *first = arena_alloc(&a, 10);
    memcpy(first, "unchanged", 10);
    for (int i = 0; i < 2000; i++) {
        unsigned char *p = arena_alloc(&a, (size_t)i * 7);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (int k = 0; k < i * 7; k += 97)
            assert_int_equal(p[k], 0);
        memset(p, 0xff, (size_t)i * 7);
    }
    assert_string_equal(first, "unchanged");
    struct str copy = arena_str(&a, STR("text"));
    assert_int_equal(copy.s[copy.len], 0);
    arena_free(&a);
    assert_null(a.top);
}

struct item {
    int number;
    struct node node;
};

static void list_keeps_order(void **state)
{
    (void)state;
    struct node head, *n;
    struct item items[4];
    int seen = 0;
    queue_init(&head);
    assert_null(queue_pop(&head));
    for (int i = 0; i < 4; i++) {
        items[i].number = i;
        queue_push(&head, &items[i].node);
    }
    queue_remove(&items[1].node);
    queue_push_front(&head, &items[1].node);
    while ((n = queue_pop(&head)))
        seen = seen * 10 + NODE_OWNER(n, struct item, node)->number;
    assert_int_equal(seen, 1023);
}

static void errors_carry_their_prefix(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(err_set(&err, -EINVAL, "bad %s", "key"), -EINVAL);
    assert_int_equal(err_prefix(&err, "file:%d", 3), -EINVAL);
    assert_string_equal(err.text, "file:3: bad key");
    assert_int_equal(err_set(NULL, -EIO, "dropped"), -EIO);
}

static void random_streams_depend_on_nothing_else(void **state)
{
    (void)state;
    struct rng a = rng_make(1, 2), b = rng_make(1, 2), other = rng_make(1, 3);
    double sum = 0, squares = 0;
    int counts[7] = {0}, equal = 0;
    for (int i = 0; i < 70000; i++) {
        uint64_t x = rng_u64(&a);
        assert_true(x == rng_u64(&b));
        equal += x == rng_u64(&other);
        double u = rng_uniform(&a);
        assert_true(u >= 0 && u < 1);
        assert_true(u == rng_uniform(&b));
        counts[rng_below(&a, 7)]++;
        rng_below(&b, 7);
        double n = rng_normal(&other);
        sum += n;
        squares += n * n;
    }
    assert_int_equal(equal, 0);
    for (int i = 0; i < 7; i++)
        assert_in_range(counts[i], 9500, 10500);
    assert_true(fabs(sum / 70000) < 0.02 && fabs(squares / 70000 - 1) < 0.03);
}

static void foreign_bytes_are_escaped(void **state)
{
    (void)state;
    struct buf b = {0};
    log_escape(&b, STR("a\n\"\x1b[0m\\\x7f"), 100);
    assert_string_equal(b.s, "a\\x0a\\x22\\x1b[0m\\x5c\\x7f");
    buf_clear(&b);
    log_escape(&b, STR("abcdef"), 3);
    assert_string_equal(b.s, "abc...");
    buf_free(&b);
}

static void clocks_run_forward(void **state)
{
    (void)state;
    int64_t wall = wall_ns(), cpu = cpu_ns();
    assert_true(wall > 0 && cpu > 0);
    assert_true(wall_ns() >= wall && cpu_ns() >= cpu);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_have_lengths),
        cmocka_unit_test(buffers_grow_and_stay_terminated),
        cmocka_unit_test(arena_blocks_never_move),
        cmocka_unit_test(list_keeps_order),
        cmocka_unit_test(errors_carry_their_prefix),
        cmocka_unit_test(random_streams_depend_on_nothing_else),
        cmocka_unit_test(foreign_bytes_are_escaped),
        cmocka_unit_test(clocks_run_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
