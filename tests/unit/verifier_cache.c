/* The cache: equal keys only, bounded, oldest first out, pending entries kept, damage noticed. */
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

static void put(struct cache *c, const char *key, int number)
{
    char value[32];
    snprintf(value, sizeof value, "{\"n\":%d}", number);
    cache_put(c, get(c, key, true), str_of(value));
}

static void holds(struct cache *c, const char *key, int number)
{
    json_t *value = cache_value(get(c, key, false));
    assert_int_equal(json_integer_value(json_object_get(value, "n")), number);
    json_decref(value);
}

static void test_found_again(void **state)
{
    (void)state;
    struct cache c;
    cache_init(&c, 8, 1 << 20);
    put(&c, "one", 1);
    holds(&c, "one", 1);
    struct cache_entry *two = get(&c, "one ", true); /* one byte more is another question */
    assert_null(cache_value(two));
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
        put(&c, key, i);
    }
    get(&c, "k0", false); /* now k1 is the oldest */
    put(&c, "k3", 3);
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
        buf_clear(&key);
        buf_printf(&key, "%01000d", i);
        put(&c, key.s, i);
        assert_true(c.bytes <= 10000);
    }
    assert_in_range(c.entries, 7, 9); /* a thousand bytes of key, the value and the entry itself */
    holds(&c, key.s, 199);
    cache_clear(&c);
    assert_int_equal(c.entries, 0);
    assert_int_equal(c.bytes, 0);
    buf_free(&key);
    cache_free(&c);
}

/* One flipped bit, in the text of the value: the value is not used, and found out anew. */
static void test_damage_is_noticed(void **state)
{
    (void)state;
    struct cache c;
    cache_init(&c, 8, 1 << 20);
    for (int bit = 0; bit < 8 * 7; bit++) { /* every bit of {"n":1} */
        char key[16];
        snprintf(key, sizeof key, "k%d", bit);
        put(&c, key, 1);
        struct cache_entry *e = get(&c, key, false);
        assert_int_equal(e->value.len, 7);
        ((char *)e->value.s)[bit / 8] ^= (char)(1 << bit % 8);
        assert_ptr_equal(get(&c, key, true), e);
        assert_int_equal(c.corrupt, bit + 1);
        assert_null(cache_value(e));
        cache_put(&c, e, STR("{\"n\":2}"));
        holds(&c, key, 2);
    }
    assert_true(c.entries <= 8);
    cache_clear(&c);
    assert_int_equal(c.bytes, 0);
    cache_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_again),
        cmocka_unit_test(test_oldest_goes),
        cmocka_unit_test(test_bytes_bounded),
        cmocka_unit_test(test_damage_is_noticed),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
