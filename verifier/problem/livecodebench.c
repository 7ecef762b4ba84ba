/* livecodebench.c: LiveCodeBench: {question_id, question_content, starter_code,
 * public_test_cases, private_test_cases, metadata, ...}.
 *
 * Both test lists are JSON text of {input, output, testtype}; the private one is mostly packed:
 * base64 of zlib of a pickle of that text. SandboxFusion's copy has {content, test}, where `test`
 * is packed the same way around {"input_output": {inputs, outputs, fn_name}} (its
 * canonical_solution is a placeholder and not read). The function of a `functional` problem is
 * named by metadata's func_name; its arguments are JSON, one a line. */
#include "stdio.h"

bool prb_is_livecodebench(const json_t *object)
{
    static const char *const own[] = {"question_content", "public_test_cases"};
    const char *test = json_string_value(json_object_get(object, "test"));
    /* The first bytes of a zlib stream, in base64. */
    return prb_has(object, own, COUNT_OF(own)) ||
           (json_object_get(object, "content") && test &&
            (strncmp(test, "eJ", 2) == 0 || strncmp(test, "eN", 2) == 0 ||
             strncmp(test, "eA", 2) == 0 || strncmp(test, "eF", 2) == 0));
}

/* Packed text of object[key]; *ret is the pickled object, a string or a dict. */
static int unpack(struct prb_build *b, const char *key, json_t **ret)
{
    const json_t *v = json_object_get(b->object, key);
    struct buf bytes = {0};
    struct err why = {0};
    int rc = prb_unpack(str_make(json_string_value(v), json_string_length(v)),
                        PRB_UNPACKED_BYTES_MAX, &bytes, &why);
    *ret = rc == 0 ? prb_unpickle(buf_view(&bytes), &why) : NULL;
    buf_free(&bytes);
    return *ret ? 0 : prb_build_fail(b, key, "`%s`: %s", key, why.text);
}

/* The list of tests in object[key], plain or packed; NULL: *b->err is filled. */
static json_t *test_list(struct prb_build *b, const char *key)
{
    const char *text = json_string_value(json_object_get(b->object, key));
    json_t *inner = NULL, *list;
    if (!text || text[strspn(text, " \t\r\n")] == '[')
        return prb_build_value(b, key);
    if (unpack(b, key, &inner) < 0)
        return NULL;
    list = prb_json_of(inner);
    json_decref(inner);
    if (!list)
        prb_build_fail(b, key, "`%s` packs no JSON text", key);
    return list;
}

static int read_own(struct prb_build *b)
{
    static const char *const prompt[] = {"question_content"};
    static const char *const ids[] = {"question_id"};
    static const char *const lists[][2] = {{"public_test_cases", "public"},
                                           {"private_test_cases", "private"}};
    json_t *metadata = prb_inner(b->object, "metadata");
    const char *name = prb_text(metadata, "func_name", "");
    int rc = *name ? prb_build_function(b, name, "metadata") : 0;
    json_decref(metadata);
    TRY(rc);
    TRY(prb_build_prompt(b, prompt, COUNT_OF(prompt)));
    TRY(prb_no_nul(b->object, "starter_code", b->w, b->err));
    for (size_t i = 0; i < COUNT_OF(lists) && rc == 0; i++) {
        if (!json_object_get(b->object, lists[i][0]))
            continue;
        json_t *rows = test_list(b, lists[i][0]);
        rc = rows ? prb_build_rows(b, rows, lists[i][0], lists[i][1]) : -EINVAL;
        json_decref(rows);
    }
    b->p->id = prb_foreign_id(b->object, ids, COUNT_OF(ids), "LCB/");
    if (b->function)
        b->p->starter = check_alloc(strdup(prb_text(b->object, "starter_code", "")));
    return rc;
}

static int read_sandboxfusion(struct prb_build *b)
{
    static const char *const prompt[] = {"content"};
    static const char *const ids[] = {"id"};
    json_t *made = NULL;
    TRY(prb_build_prompt(b, prompt, COUNT_OF(prompt)));
    TRY(unpack(b, "test", &made));
    json_t *columns = prb_json_of(json_object_get(made, "input_output"));
    int rc = columns ? prb_build_columns(b, columns, "test")
                     : prb_build_fail(b, "test", "`test` packs no `input_output`");
    json_decref(columns);
    json_decref(made);
    b->p->id = prb_foreign_id(b->object, ids, COUNT_OF(ids), "");
    return rc;
}

int prb_read_livecodebench(const json_t *object, const struct where *w, struct problem *ret,
                           struct err *err)
{
    struct prb_build b;
    prb_build_begin(&b, object, w, ret, err);
    return prb_build_end(&b, json_object_get(object, "question_content") ? read_own(&b)
                                                                         : read_sandboxfusion(&b));
}
