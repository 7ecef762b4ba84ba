/* mbpp.c: MBPP's JSON lines: {task_id, text, code, test_setup_code, test_list,
 * challenge_test_list}, and the sanitized file's {task_id, prompt, code, test_imports,
 * test_list}.
 *
 * There is no entry point: the tests are plain asserts over whatever names the solution defines,
 * functions and classes alike. The model is shown the text and the asserts of test_list, as its
 * authors do; the challenge asserts stay hidden and count. Ids are "Mbpp/<task_id>", as EvalPlus
 * writes them. MBPP+ in its original form adds `test`, one source that takes the place of the
 * lists, and imports numpy. */
#include "readers.h"

bool prb_is_mbpp(const json_t *object)
{
    return json_object_get(object, "task_id") && json_object_get(object, "code") &&
           json_object_get(object, "test_list") &&
           (json_object_get(object, "text") || json_object_get(object, "prompt"));
}

static const struct key mbpp_keys[] = {
    {"task_id", KEY_INT, true},         {"text", KEY_STRING, false},
    {"prompt", KEY_STRING, false},      {"code", KEY_STRING, true},
    {"test_list", KEY_ARRAY, true},     {"test_setup_code", KEY_STRING, false},
    {"test_imports", KEY_ARRAY, false}, {"challenge_test_list", KEY_ARRAY, false},
    {"source_file", KEY_ANY, false},    {"test", KEY_STRING, false},
};

/* Appends a JSON string without its carriage returns (MBPP's code has them) and ends the line. */
static void add_lines(struct buf *out, const json_t *text)
{
    const char *s = json_string_value(text);
    size_t n = json_string_length(text);
    for (size_t i = 0; i < n; i++)
        if (s[i] != '\r')
            buf_char(out, s[i]);
    if (n)
        buf_char(out, '\n');
}

static int add_list(struct buf *out, const json_t *object, const char *key, const struct where *w,
                    struct err *err)
{
    size_t i;
    json_t *item;
    TRY(keys_strings(object, key, "", w, err));
    json_array_foreach (json_object_get(object, key), i, item)
        add_lines(out, item);
    return 0;
}

static int read_texts(const json_t *object, const struct where *w, struct buf *shown,
                      struct buf *tests, struct err *err)
{
    const json_t *text = json_object_get(object, "text");
    add_lines(shown, text ? text : json_object_get(object, "prompt"));
    buf_puts(shown, "Your code should pass these tests:\n\n");
    TRY(add_list(shown, object, "test_list", w, err));
    TRY(add_list(tests, object, "test_imports", w, err));
    add_lines(tests, json_object_get(object, "test_setup_code"));
    if (json_object_get(object, "test")) {
        add_lines(tests, json_object_get(object, "test"));
        return 0;
    }
    TRY(add_list(tests, object, "test_list", w, err));
    return add_list(tests, object, "challenge_test_list", w, err);
}

int prb_read_mbpp(const json_t *object, const struct where *w, struct problem *ret, struct err *err)
{
    struct buf shown = {0}, tests = {0}, code = {0};
    TRY(keys_check(object, mbpp_keys, COUNT_OF(mbpp_keys), "", w, err));
    if (json_array_size(json_object_get(object, "test_list")) == 0)
        return keys_fail(w, object, "test_list", err, "`test_list` is empty");
    int rc = read_texts(object, w, &shown, &tests, err);
    if (rc == 0) {
        add_lines(&code, json_object_get(object, "code"));
        CHECK(asprintf(&ret->id, "Mbpp/%lld",
                       json_integer_value(json_object_get(object, "task_id"))) >= 0);
        ret->prompt = check_alloc(strdup(buf_view(&shown).s));
        ret->starter = check_alloc(strdup(""));
        ret->limits = LIMITS_DEFAULT;
        ret->limits.cpu_s = 10; /* one of its own solutions takes 3.6 s on a good day */
        ret->limits.wall_s = 30;
        json_t *source = json_stringn(buf_view(&tests).s, tests.len),
               *reference = json_stringn(buf_view(&code).s, code.len);
        prb_finish(ret, &(struct prb_tests){.tests = source, .reference = reference});
        json_decref(source);
        json_decref(reference);
    }
    buf_free(&shown);
    buf_free(&tests);
    buf_free(&code);
    return rc;
}
