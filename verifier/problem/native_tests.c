/* native_tests.c: the three kinds of tests of a native problem, and how answers are compared. */
#include "readers.h"

static int check_case(const json_t *item, size_t i, const json_t *object, const struct where *w,
                      struct err *err)
{
    const json_t *cases = json_object_get(object, "cases");
    static const struct key keys[] = {
        {"args", KEY_ARRAY, false},    {"kwargs", KEY_OBJECT, false},  {"expected", KEY_ANY, false},
        {"raises", KEY_STRING, false}, {"returns", KEY_STRING, false}, {"call", KEY_STRING, false},
        {"points", KEY_NUMBER, false}, {"group", KEY_STRING, false},
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
    bool derived = answers == 0 && args && prb_text(object, "reference", NULL);
    if (answers != 1 && !derived)
        return keys_fail(w, at, NULL, err,
                         "`cases[%zu]` needs exactly one of `expected`, `returns` and `raises`, or "
                         "`args` and a `reference` that answers",
                         i);
    return 0;
}

static int check_stdio(const json_t *item, size_t i, const struct where *w, struct err *err)
{
    static const struct key keys[] = {
        {"stdin", KEY_STRING, true},
        {"stdout", KEY_STRING, true},
        {"points", KEY_NUMBER, false},
        {"group", KEY_STRING, false},
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

/* {ignore_case: true}, and for `float` also absolute, relative and integers. */
static int check_checker_options(const json_t *options, const char *name, const struct where *w,
                                 struct err *err)
{
    static const struct key keys[] = {
        {"ignore_case", KEY_BOOL, false},
        {"absolute", KEY_NUMBER, false},
        {"relative", KEY_NUMBER, false},
        {"integers", KEY_STRING, false},
    };
    static const char *const integers[] = {"exact", "close"};
    bool numbers = strcmp(name, "float") == 0;
    char prefix[48];
    snprintf(prefix, sizeof prefix, "checker.%s.", name);
    TRY(keys_check(options, keys, numbers ? COUNT_OF(keys) : 1, prefix, w, err));
    if (!numbers)
        return 0;
    const json_t *absolute = json_object_get(options, "absolute"),
                 *relative = json_object_get(options, "relative"),
                 *whole = json_object_get(options, "integers");
    if (!absolute && !relative)
        return keys_fail(w, options, NULL, err, "`%s` needs `absolute` or `relative`", prefix);
    if (json_number_value(absolute) < 0 || json_number_value(relative) < 0 ||
        json_number_value(relative) >= 1)
        return keys_fail(w, options, NULL, err,
                         "`%s`: tolerances are at least 0, and `relative` is below 1", prefix);
    return !whole || is_one_of(whole, integers, COUNT_OF(integers))
               ? 0
               : keys_fail(w, options, "integers", err, "`%sintegers` must be exact or close",
                           prefix);
}

/* A checker that is a whole program: {program, protocol, flags}. */
static int check_checker_program(const json_t *checker, const struct where *w, struct err *err)
{
    static const struct key keys[] = {
        {"program", KEY_STRING, true},
        {"protocol", KEY_STRING, true},
        {"flags", KEY_ARRAY, false},
    };
    static const char *const protocols[] = {"files", "kattis"};
    TRY(keys_check(checker, keys, COUNT_OF(keys), "checker.", w, err));
    if (!is_one_of(json_object_get(checker, "protocol"), protocols, COUNT_OF(protocols)))
        return keys_fail(w, checker, "protocol", err, "`checker.protocol` must be files or kattis");
    TRY(keys_strings(checker, "flags", "checker.", w, err));
    return prb_no_nul(checker, "program", w, err);
}

static int check_checker(const json_t *object, const struct where *w, struct err *err)
{
    static const char *const names[] = {"lines", "exact", "tokens", "unordered-lines"};
    static const struct key keys[] = {
        {"float", KEY_NUMBER | KEY_OBJECT, false},
        {"python", KEY_STRING, false},
        {"lines", KEY_OBJECT, false},
        {"exact", KEY_OBJECT, false},
        {"tokens", KEY_OBJECT, false},
        {"unordered-lines", KEY_OBJECT, false},
    };
    const json_t *checker = json_object_get(object, "checker");
    const char *name;
    json_t *options;
    if (json_is_string(checker) && !is_one_of(checker, names, COUNT_OF(names)))
        return keys_fail(w, object, "checker", err,
                         "`checker` must be exact, tokens, lines, unordered-lines, {float: ...} or "
                         "{python: ...}, not `%.40s`",
                         json_string_value(checker));
    if (!json_is_object(checker))
        return 0;
    if (json_object_get(checker, "program"))
        return check_checker_program(checker, w, err);
    TRY(keys_check(checker, keys, COUNT_OF(keys), "checker.", w, err));
    if (json_object_size(checker) != 1)
        return keys_fail(w, object, "checker", err,
                         "`checker` needs exactly one of `float`, `python` and the others");
    json_object_foreach ((json_t *)checker, name, options)
        if (json_is_object(options))
            return check_checker_options(options, name, w, err);
    return check_tolerance(checker, "checker", w, err);
}

/* A tolerance that is one number for both, or {absolute, relative}. */
static int check_range(const json_t *compare, const struct where *w, struct err *err)
{
    static const struct key keys[] = {
        {"absolute", KEY_NUMBER, false},
        {"relative", KEY_NUMBER, false},
    };
    const json_t *range = json_object_get(compare, "float");
    if (!json_is_object(range))
        return check_tolerance(compare, "compare", w, err);
    TRY(keys_check(range, keys, COUNT_OF(keys), "compare.float.", w, err));
    double relative = json_number_value(json_object_get(range, "relative"));
    if (json_number_value(json_object_get(range, "absolute")) < 0 || relative < 0 || relative >= 1)
        return keys_fail(w, compare, "float", err,
                         "`compare.float`: tolerances are at least 0, and `relative` is below 1");
    return 0;
}

static int check_compare(const json_t *object, const struct where *w, struct err *err)
{
    static const char *const names[] = {"any", "same-type"};
    static const char *const kinds[] = {"sequences", "booleans"};
    static const struct key keys[] = {
        {"float", KEY_NUMBER | KEY_OBJECT, false},
        {"sequences", KEY_STRING, false},
        {"booleans", KEY_STRING, false},
        {"python", KEY_STRING, false},
    };
    const json_t *compare = json_object_get(object, "compare");
    if (!compare)
        return 0;
    TRY(keys_check(compare, keys, COUNT_OF(keys), "compare.", w, err));
    TRY(prb_no_nul(compare, "python", w, err));
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const json_t *kind = json_object_get(compare, kinds[i]);
        if (kind && !is_one_of(kind, names, COUNT_OF(names)))
            return keys_fail(w, compare, kinds[i], err,
                             "`compare.%s` must be any or same-type, not `%.40s`", kinds[i],
                             json_string_value(kind));
    }
    return check_range(compare, w, err);
}

/* `framework` says what `tests` is a module for. */
static int check_framework(const json_t *object, const struct where *w, struct err *err)
{
    static const char *const names[] = {"pytest"};
    const json_t *framework = json_object_get(object, "framework");
    if (!framework)
        return 0;
    if (!is_one_of(framework, names, COUNT_OF(names)))
        return keys_fail(
            w, object, "framework", err,
            "`framework` must be pytest (which runs unittest's cases too), not `%.40s`",
            json_string_value(framework));
    return prb_text(object, "tests", NULL)
               ? 0
               : keys_fail(w, object, "framework", err, "`framework` needs `tests`");
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
        TRY(check_case(item, i, object, w, err));
        if (!entry && json_object_get(item, "args"))
            return keys_fail(w, object, "cases", err, "`cases` with `args` need an `entry_point`");
    }
    json_array_foreach (stdio, i, item)
        TRY(check_stdio(item, i, w, err));
    if (json_array_size(cases) == 0 && json_array_size(stdio) == 0 &&
        !tests[strspn(tests, " \t\r\n")])
        return keys_fail(w, object, NULL, err, "no tests: give `cases`, `tests` or `stdio`");
    TRY(check_checker(object, w, err));
    TRY(check_framework(object, w, err));
    return check_compare(object, w, err);
}
