/* native_tests.c: the three kinds of tests of a native problem, and how answers are compared. */
#include "readers.h"

static int check_case(const json_t *item, size_t i, const json_t *cases, const struct where *w,
                      struct err *err)
{
    static const struct key keys[] = {
        {"args", KEY_ARRAY, false},    {"kwargs", KEY_OBJECT, false},  {"expected", KEY_ANY, false},
        {"raises", KEY_STRING, false}, {"returns", KEY_STRING, false}, {"call", KEY_STRING, false},
    };
    char prefix[48];
    snprintf(prefix, sizeof prefix, "cases[%zu].", i);
    const json_t *at = json_is_object(item) ? item : cases;
    TRY(keys_check(item, keys, COUNT_OF(keys), prefix, w, err));
    bool call = json_object_get(item, "call"), args = json_object_get(item, "args"),
         kwargs = json_object_get(item, "kwargs");
    int answers = !!json_object_get(item, "expected") + !!json_object_get(item, "raises") +
                  !!json_object_get(item, "returns");
    if (call == args || (call && kwargs))
        return keys_fail(w, at, NULL, err,
                         "`cases[%zu]` needs either `args` (a list) or `call` (Python source)", i);
    if (answers != 1)
        return keys_fail(w, at, NULL, err,
                         "`cases[%zu]` needs exactly one of `expected`, `returns` and `raises`", i);
    return 0;
}

static int check_stdio(const json_t *item, size_t i, const struct where *w, struct err *err)
{
    static const struct key keys[] = {
        {"stdin", KEY_STRING, true},
        {"stdout", KEY_STRING, true},
        {"points", KEY_NUMBER, false},
    };
    char prefix[48];
    snprintf(prefix, sizeof prefix, "stdio[%zu].", i);
    TRY(keys_check(item, keys, COUNT_OF(keys), prefix, w, err));
    const json_t *points = json_object_get(item, "points");
    if (points && json_number_value(points) < 0)
        return keys_fail(w, item, "points", err, "`%spoints` is negative", prefix);
    return 0;
}

static int check_tolerance(const json_t *object, const char *key, const struct where *w,
                           struct err *err)
{
    const json_t *v = json_object_get(object, "float");
    if (v && !(json_number_value(v) >= 0 && json_number_value(v) < 1))
        return keys_fail(w, object, "float", err, "`%s.float` must be at least 0 and below 1", key);
    return 0;
}

static bool is_one_of(const json_t *v, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(json_string_value(v), names[i]) == 0)
            return true;
    return false;
}

static int check_checker(const json_t *object, const struct where *w, struct err *err)
{
    static const char *const names[] = {"exact", "tokens", "unordered-lines"};
    static const struct key keys[] = {
        {"float", KEY_NUMBER, false},
        {"python", KEY_STRING, false},
    };
    const json_t *checker = json_object_get(object, "checker");
    if (json_is_string(checker) && !is_one_of(checker, names, COUNT_OF(names)))
        return keys_fail(w, object, "checker", err,
                         "`checker` must be exact, tokens, unordered-lines, {float: ...} or "
                         "{python: ...}, not `%.40s`",
                         json_string_value(checker));
    if (!json_is_object(checker))
        return 0;
    TRY(keys_check(checker, keys, COUNT_OF(keys), "checker.", w, err));
    if (json_object_size(checker) != 1)
        return keys_fail(w, object, "checker", err,
                         "`checker` needs exactly one of `float` and `python`");
    return check_tolerance(checker, "checker", w, err);
}

static int check_compare(const json_t *object, const struct where *w, struct err *err)
{
    static const char *const names[] = {"any", "same-type"};
    static const struct key keys[] = {
        {"float", KEY_NUMBER, false},
        {"sequences", KEY_STRING, false},
    };
    const json_t *compare = json_object_get(object, "compare");
    if (!compare)
        return 0;
    TRY(keys_check(compare, keys, COUNT_OF(keys), "compare.", w, err));
    const json_t *sequences = json_object_get(compare, "sequences");
    if (sequences && !is_one_of(sequences, names, COUNT_OF(names)))
        return keys_fail(w, compare, "sequences", err,
                         "`compare.sequences` must be any or same-type, not `%.40s`",
                         json_string_value(sequences));
    return check_tolerance(compare, "compare", w, err);
}

int prb_check_tests(const json_t *object, const struct where *w, struct err *err)
{
    const json_t *cases = json_object_get(object, "cases"),
                 *stdio = json_object_get(object, "stdio");
    const char *tests = prb_text(object, "tests", ""),
               *entry = prb_text(object, "entry_point", NULL);
    size_t i;
    json_t *item;
    json_array_foreach (cases, i, item) {
        TRY(check_case(item, i, cases, w, err));
        if (!entry && json_object_get(item, "args"))
            return keys_fail(w, object, "cases", err, "`cases` with `args` need an `entry_point`");
    }
    json_array_foreach (stdio, i, item)
        TRY(check_stdio(item, i, w, err));
    if (json_array_size(cases) == 0 && json_array_size(stdio) == 0 &&
        !tests[strspn(tests, " \t\r\n")])
        return keys_fail(w, object, NULL, err, "no tests: give `cases`, `tests` or `stdio`");
    TRY(check_checker(object, w, err));
    return check_compare(object, w, err);
}
