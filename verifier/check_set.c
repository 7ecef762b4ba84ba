/* check_set.c: what is in a set twice: prompts that differ in case and spacing only, the same tests
 * under another name, references that are the same program with other names. Each problem is compared
 * with the ones before it. */
#include <ctype.h>

#include "base/str.h"
#include "check.h"

void check_set_open(struct check_set *s)
{
    *s = (struct check_set){json_object(), json_object(), json_object()};
}

void check_set_close(struct check_set *s)
{
    json_decref(s->prompts);
    json_decref(s->tests);
    json_decref(s->shapes);
}

/* The id that this text came with before, or NULL, after which it is `id`'s. */
static const char *seen_as(json_t *table, const char *text, const char *id)
{
    json_t *before = json_object_get(table, text);
    if (!before)
        json_object_set_new(table, text, json_string(id));
    return json_string_value(before);
}

/* Lower case, and one blank for any white space. */
static char *normalised(const char *prompt)
{
    struct buf out = {0};
    bool gap = false;
    for (const char *at = prompt; *at; at++) {
        if (isspace((unsigned char)*at)) {
            gap = out.len > 0;
            continue;
        }
        if (gap)
            buf_char(&out, ' ');
        gap = false;
        buf_char(&out, (char)tolower((unsigned char)*at));
    }
    buf_char(&out, 0);
    return out.s;
}

/* The tests alone: not the limits, the reference or the name of the function. */
static char *tests_text(const json_t *suite)
{
    static const char *const keys[] = {"cases", "tests", "stdio", "checker", "derive"};
    json_t *tests = json_object();
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        json_object_set(tests, keys[i], json_object_get(suite, keys[i]));
    char *text = json_dumps(tests, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(tests);
    return check_alloc(text);
}

void check_set_add(struct check_set *s, struct check_row *r)
{
    const struct problem *p = r->problem;
    const char *shape = json_string_value(json_object_get(r->found, "shape"));
    char *prompt = normalised(p->prompt), *tests = tests_text(p->suite);
    const char *same_prompt = *prompt ? seen_as(s->prompts, prompt, p->id) : NULL;
    const char *same_tests = seen_as(s->tests, tests, p->id);
    const char *same_shape = shape ? seen_as(s->shapes, shape, p->id) : NULL;
    if (same_prompt)
        check_find(r, CHECK_WARNING, "duplicate", "the prompt is that of %s", same_prompt);
    if (same_tests)
        check_find(r, CHECK_WARNING, "duplicate", "the tests are those of %s", same_tests);
    if (same_shape && !same_prompt)
        check_find(r, CHECK_WARNING, "duplicate", "the reference is that of %s but for names",
                   same_shape);
    free(prompt);
    free(tests);
}
