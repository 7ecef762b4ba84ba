/* The cache: equal keys only, bounded, oldest first out, pending entries kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verifier/cache.h"

static struct cache_entry *get(struct cache *c, const char *key, bool expect_new)
{
    bool is_new;
    struct cache_entry *e = cache_get(c, str_of(key), &is_new);
    assert_int_equal(is_new, expect_new);
    return e;
}

static void test_found_again(void **state)
{
    (void)state;
    struct cache c;
    cache_init(&c, 8, 1 << 20);
    cache_put(&c, get(&c, "one", true), json_integer(1));
    assert_int_equal(json_integer_value(get(&c, "one", false)->value), 1);
    struct cache_entry *two = get(&c, "one ", true); /* one byte more is another question */
    assert_null(two->value);
    assert_ptr_equal(get(&c, "one ", false), two);
    cache_drop(&c, two);
    get(&c, "one ", true);
    cache_free(&c);
}

static void test_oldest_goes(void **state)
{
    (void)state;
    struct cache c;
    char key[16];
    cache_init(&c, 4, 1 << 20);
    struct cache_entry *pending = get(&c, "pending", true);
    for (int i = 0; i < 3; i++) {
        snprintf(key, sizeof key, "k%d", i);
        cache_put(&c, get(&c, key, true), json_integer(i));
    }
    get(&c, "k0", false); /* now k1 is the oldest */
    cache_put(&c, get(&c, "k3", true), json_integer(3));
    assert_int_equal(c.entries, 4);
    get(&c, "k0", false);
    get(&c, "k2", false);
    assert_ptr_equal(get(&c, "pending", false), pending);
    cache_drop(&c, pending);
    get(&c, "k1", true);
    cache_free(&c);
}

static void test_bytes_bounded(void **state)
{
    (void)state;
    struct cache c;
    struct buf key = {0};
    cache_init(&c, 1000, 10000);
    for (int i = 0; i < 200; i++) {
        bool is_new;
        buf_clear(&key);
        buf_printf(&key, "%01000d", i);
        cache_put(&c, cache_get(&c, buf_view(&key), &is_new), json_true());
        assert_true(c.bytes <= 10000);
    }
    assert_int_equal(c.entries, 10);
    buf_free(&key);
    cache_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_again),
        cmocka_unit_test(test_oldest_goes),
        cmocka_unit_test(test_bytes_bounded),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
