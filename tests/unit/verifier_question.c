/* The payload of a question: what is written is read, whatever the texts hold, and a payload that was
 * cut is never read as one with less in a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "verifier/question.h"

static struct buf written(const struct question_text texts[QUESTION_TEXTS_MAX])
{
    struct buf payload = {0};
    json_t *json = json_pack("{s:s, s:i}", "op", "gr\"ade", "n", 3);
    question_write(json, texts, &payload);
    json_decref(json);
    return payload;
}

static void expect(const json_t *json, const char *key, struct str text)
{
    const json_t *member = json_object_get(json, key);
    assert_true(json_is_string(member));
    assert_int_equal(json_string_length(member), text.len);
    assert_memory_equal(json_string_value(member), text.s, text.len);
}

static void texts_come_back(void **state)
{
    static const char odd[] = "a\"\\\n\0\0b\xc3\xa9{}";
    const struct question_text texts[QUESTION_TEXTS_MAX] = {{"text", str_make(odd, sizeof odd - 1)},
                                                            {"model", str_make("", 0)}};
    (void)state;
    struct buf payload = written(texts);
    json_t *json = question_read(buf_view(&payload));
    assert_non_null(json);
    assert_int_equal(json_object_size(json), 4);
    assert_string_equal(json_string_value(json_object_get(json, "op")), "gr\"ade");
    expect(json, "text", texts[0].text);
    expect(json, "model", texts[1].text);
    json_decref(json);
    buf_free(&payload);
}

static void a_question_may_have_no_text(void **state)
{
    (void)state;
    struct buf payload = written((struct question_text[QUESTION_TEXTS_MAX]){0});
    assert_null(memchr(payload.s, 0, payload.len));
    json_t *json = question_read(buf_view(&payload));
    assert_int_equal(json_object_size(json), 2);
    json_decref(json);
    buf_free(&payload);
}

static void what_is_cut_is_no_question(void **state)
{
    const struct question_text texts[QUESTION_TEXTS_MAX] = {{"text", STR("def f(): pass")},
                                                            {"model", STR("def f(x): pass")}};
    (void)state;
    struct buf payload = written(texts);
    int whole = 0;
    for (size_t n = 0; n < payload.len; n++) {
        /* A copy of its own, so that AddressSanitizer sees a read past the end. */
        char *cut = xcalloc(n + 1, 1);
        memcpy(cut, payload.s, n);
        char *exact = xrealloc(cut, n ? n : 1, 1);
        json_t *json = question_read(str_make(exact, n));
        if (json && json_object_get(json, "text"))
            expect(json, "text", texts[0].text);
        assert_null(json_object_get(json, "model"));
        whole += json != NULL;
        json_decref(json);
        free(exact);
    }
    assert_int_equal(whole, 2); /* after the JSON, and after the first text */
    buf_free(&payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_come_back),
        cmocka_unit_test(a_question_may_have_no_text),
        cmocka_unit_test(what_is_cut_is_no_question),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
