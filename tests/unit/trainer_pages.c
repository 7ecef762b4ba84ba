/* Blocks that are given back serve the next taker, and grow with what is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trainer/kernels/pages.h"

enum { MIB = 1 << 20 };

static void test_fresh_pages_are_zero_and_writable(void **state)
{
    (void)state;
    const size_t bytes = 5 * MIB + 123;
    unsigned char *p = pages_take(bytes);
    assert_int_equal((uintptr_t)p % 4096, 0);
    for (size_t i = 0; i < bytes; i += 4096)
        assert_int_equal(p[i], 0);
    memset(p, 7, bytes);
    pages_give(p, bytes);
}

static void test_a_block_is_used_again(void **state)
{
    (void)state;
    char *p = pages_take(8 * MIB), *q = pages_take(8 * MIB);
    assert_ptr_not_equal(p, q);
    memset(p, 1, 8 * MIB);
    pages_give(p, 8 * MIB);
    pages_give(q, 8 * MIB);
    char *a = pages_take(8 * MIB - 5), *b = pages_take(3 * MIB);
    assert_true(a == p || a == q);
    assert_true(b == p || b == q);
    assert_ptr_not_equal(a, b);
    memset(b, 2, 3 * MIB);
    pages_give(a, 8 * MIB - 5);
    pages_give(b, 3 * MIB);
}

static void test_what_is_too_small_is_replaced(void **state)
{
    (void)state;
    for (size_t mib = 2; mib < 200; mib *= 3) {
        char *p = pages_take(mib * MIB);
        p[0] = p[mib * MIB - 1] = 1;
        pages_give(p, mib * MIB);
    }
    pages_give(NULL, 10);
}

static void test_zeroed_floats(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 1000, MIB / 2 - 1, MIB / 2, 3 * MIB + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        float *v = pages_zeroed(sizes[i]);
        assert_non_null(v);
        assert_int_equal((uintptr_t)v % 64, 0);
        for (size_t j = 0; j < sizes[i]; j++)
            if (v[j] < 0 || v[j] > 0)
                fail_msg("float %zu of %zu is not zero", j, sizes[i]);
        for (size_t j = 0; j < sizes[i]; j++)
            v[j] = 1;
        free(v);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fresh_pages_are_zero_and_writable),
        cmocka_unit_test(test_a_block_is_used_again),
        cmocka_unit_test(test_what_is_too_small_is_replaced),
        cmocka_unit_test(test_zeroed_floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
