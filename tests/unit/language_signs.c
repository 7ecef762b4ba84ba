/* The linter's patterns are looked for only where a program has a sign of one (enum linter_sign):
 * asked of every program they find nothing more. And a text takes no memory along. */
#include <ftw.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/file.h"
#include "verifier/linter.h"

static struct linter linter;
static int programs, remarks;

static json_t *run(struct str text)
{
    json_t *job = json_pack("{s:o}", "text", json_stringn(text.s, text.len));
    json_t *result = job ? linter_run(&linter, job) : NULL;
    json_decref(job);
    return result;
}

static int compare(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)ftw;
    const char *end = strrchr(path, '.');
    if (type != FTW_F || st->st_size > 100000 || !end || strcmp(end, ".py") != 0)
        return 0;
    struct buf text = {0};
    struct err err;
    assert_int_equal(file_read(path, 1 << 20, &text, &err), 0);
    const unsigned needs = linter.needs;
    json_t *signs = run(buf_view(&text));
    linter.needs = ~0u;
    json_t *always = run(buf_view(&text));
    linter.needs = needs;
    if (json_is_true(json_object_get(always, "parses"))) { /* then nothing was given up for time */
        if (!json_equal(signs, always))
            fail_msg("%s: a pattern without its sign", path);
        programs++;
        remarks += (int)json_array_size(json_object_get(always, "diagnostics"));
    }
    json_decref(signs);
    json_decref(always);
    buf_free(&text);
    return 0;
}

static void no_sign_no_match(void **state)
{
    (void)state;
    assert_true(linter.needs && linter.needs != ~0u); /* every pattern says what it needs */
    assert_int_equal(nftw("tests", compare, 16, FTW_PHYS), 0);
    assert_int_equal(nftw("verifier", compare, 16, FTW_PHYS), 0);
    assert_int_equal(nftw("tools", compare, 16, FTW_PHYS), 0);
    assert_true(programs > 100 && remarks > 20);
}

/* A long program between small ones: what it needed is given back. */
static void a_text_takes_no_memory_along(void **state)
{
    (void)state;
    struct buf text = {0};
    size_t before = 0;
    for (int i = 0; i < 3000; i++)
        buf_printf(&text, "x%d = [%d, 2]\n", i, i);
    for (int i = 0; i < 4; i++) {
        json_decref(run(buf_view(&text)));
        json_decref(run(STR("x = 1\n")));
        const struct mallinfo2 m = mallinfo2();
        if (i == 0)
            before = m.uordblks + m.hblkhd;
        assert_true(m.uordblks + m.hblkhd <= before + 4096);
    }
    buf_free(&text);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    linter_open(&linter);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_sign_no_match),
        cmocka_unit_test(a_text_takes_no_memory_along),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    linter_close(&linter);
    return failed;
}
