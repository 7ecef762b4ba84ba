/* commonoj.c: SandboxFusion's CommonOJ: {id, content, test, labels}, where `test` is a list of
 * {input: {stdin}, output: {stdout}}, or JSON text of one. */
#include "stdio.h"

bool prb_is_commonoj(const json_t *object)
{
    json_t *test = json_object_get(object, "test"), *list;
    const char *text = json_string_value(test);
    if (!json_is_string(json_object_get(object, "content")))
        return false;
    list = !text                                  ? json_incref(test)
           : text[strspn(text, " \t\r\n")] == '[' ? prb_json_of(test)
                                                  : NULL;
    bool is = json_object_get(json_object_get(json_array_get(list, 0), "input"), "stdin") != NULL;
    json_decref(list);
    return is;
}

static int read_row(struct prb_build *b, const json_t *row, size_t i)
{
    const json_t *in = json_object_get(row, "input"), *out = json_object_get(row, "output");
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)in, key, value)
        if (strcmp(key, "stdin") != 0 && json_is_object(value) && json_object_size(value))
            return prb_build_fail(b, "test",
                                  "`test`: test %zu wants `%.40s`: a program gets "
                                  "standard input only",
                                  i, key);
    json_object_foreach ((json_t *)out, key, value)
        if (strcmp(key, "stdout") != 0 && json_is_object(value) && json_object_size(value))
            return prb_build_fail(b, "test",
                                  "`test`: test %zu expects `%.40s`: only standard "
                                  "output is looked at",
                                  i, key);
    return prb_build_stdio(b, json_object_get(in, "stdin"), json_object_get(out, "stdout"), "test",
                           i, NULL);
}

static int read_tests(struct prb_build *b)
{
    json_t *tests = prb_build_value(b, "test"), *row;
    size_t i;
    int rc = tests ? 0 : -EINVAL;
    json_array_foreach (tests, i, row)
        if (rc == 0)
            rc = read_row(b, row, i);
    json_decref(tests);
    return rc;
}

int prb_read_commonoj(const json_t *object, const struct where *w, struct problem *ret,
                      struct err *err)
{
    static const char *const prompt[] = {"content"};
    static const char *const ids[] = {"id"};
    struct prb_build b;
    prb_build_begin(&b, object, w, ret, err);
    int rc = prb_build_prompt(&b, prompt, COUNT_OF(prompt));
    if (rc == 0)
        rc = read_tests(&b);
    ret->id = prb_foreign_id(object, ids, COUNT_OF(ids), "");
    return prb_build_end(&b, rc);
}
