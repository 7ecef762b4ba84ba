/* judge_suite.c: SUITE frames become compiled suites.
 *
 * A group of completions of one problem compiles its tests once. What is kept is only what no
 * job can change: code objects, decoded expected values (compared, never handed out) and
 * arguments that are encoded afresh for each guest. */
#include "verifier/judge_suite.h"

#include <regex.h>

#include "verifier/judge.h"
#include "verifier/judge_derive.h"
#include "verifier/judge_embed.h"
#include "verifier/judge_framework.h"
#include "verifier/judge_prepare.h"
#include "verifier/judge_text.h"
#include "verifier/timing.h"

enum { BUCKETS = 4096 };

static struct {
    struct node recent; /* oldest first */
    struct judge_suite *buckets[BUCKETS];
    int n;
} cache;

/* The pending Python error as *err. */
static int python_failure(struct err *err, const char *what)
{
    struct buf text = {0};
    judge_error_text(&text);
    PyErr_Clear();
    err_set(err, -EINVAL, "%s: %s", what, text.s);
    buf_free(&text);
    return -EINVAL;
}

static const char *string_at(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s && *s ? s : NULL;
}

static double number_or(const json_t *json, const char *key, double fallback)
{
    const json_t *v = json_object_get(json, key);
    return json_is_number(v) ? json_number_value(v) : fallback;
}

struct limits judge_limits(const json_t *json)
{
    struct limits l = LIMITS_DEFAULT;
    l.cpu_s = number_or(json, "cpu_s", l.cpu_s);
    l.wall_s = number_or(json, "wall_s", l.wall_s);
    l.memory_mib = (int)number_or(json, "memory_mib", l.memory_mib);
    l.output_kib = (int)number_or(json, "output_kib", l.output_kib);
    l.threads = (int)number_or(json, "threads", l.threads);
    l.cpu_times = number_or(json, "cpu_times", 0);
    return l;
}

static int expression(const json_t *from, const char *key, PyObject **ret, struct err *err)
{
    const char *source = string_at(from, key);
    char where[32];
    if (!source)
        return 0;
    snprintf(where, sizeof where, "<%s>", key);
    /* A block scalar's indentation and newlines mean nothing in an expression. */
    *ret = judge_prepare_expression(source + strspn(source, " \t\n"), where);
    return *ret ? 0 : python_failure(err, key);
}

/* JSON has no numbers as keys; data sets that had them write their digits. A dict with any other
 * key stays as it is. */
static PyObject *with_int_keys(PyObject *dict)
{
    PyObject *made = PyDict_New(), *key, *value;
    Py_ssize_t at = 0;
    while (made && PyDict_Next(dict, &at, &key, &value)) {
        PyObject *number = PyLong_FromUnicodeObject(key, 10);
        if (!number || PyDict_SetItem(made, number, value) < 0)
            Py_CLEAR(made);
        Py_XDECREF(number);
    }
    PyErr_Clear();
    return made ? made : Py_NewRef(dict);
}

/* `args` or `expected` of a case: with its `int_keys` the dicts in it, or in the list that it is,
 * have numbers for keys. */
static PyObject *value_of(const json_t *json, const json_t *part)
{
    PyObject *value = judge_from_json(part);
    if (!value || !json_is_true(json_object_get(json, "int_keys")))
        return value;
    if (PyDict_Check(value))
        Py_SETREF(value, with_int_keys(value));
    for (Py_ssize_t i = 0; value && PyList_Check(value) && i < PyList_GET_SIZE(value); i++) {
        PyObject *item = PyList_GET_ITEM(value, i);
        PyObject *made = PyDict_Check(item) ? with_int_keys(item) : Py_NewRef(item);
        if (!made || PyList_SetItem(value, i, made) < 0)
            Py_CLEAR(value);
    }
    return value;
}

static int read_case(struct judge_suite *s, int i, const json_t *json, struct err *err)
{
    struct judge_case *c = &s->cases[i];
    c->json = json;
    const json_t *args = json_object_get(json, "args"), *kwargs = json_object_get(json, "kwargs");
    const json_t *expected = json_object_get(json, "expected");
    c->raises = string_at(json, "raises");
    c->text = string_at(json, "call");
    TRY(expression(json, "call", &c->call, err));
    TRY(expression(json, "returns", &c->returns, err));
    if (expected && !(c->expected = value_of(json, expected)))
        return python_failure(err, "expected");
    if (json_is_true(json_object_get(json, "wrapped")) && PyList_Check(c->expected))
        c->element = PyList_GetItem(c->expected, 0);
    if (!c->call) {
        PyObject *list = args ? value_of(json, args) : PyList_New(0);
        c->args = list && PyList_Check(list) ? PyList_AsTuple(list) : NULL;
        Py_XDECREF(list);
        c->kwargs = kwargs ? judge_from_json(kwargs) : PyDict_New();
        if (!c->args || !c->kwargs || !PyDict_Check(c->kwargs) || !s->entry_point) {
            PyErr_Clear();
            return err_set(err, -EINVAL, "case %d: `args` and an entry point, or `call`", i + 1);
        }
    }
    if (!c->raises && !c->returns && !c->expected) {
        if (!s->reference || !c->args)
            return err_set(err, -EINVAL, "case %d: nothing is expected", i + 1);
        c->derived = s->underived = true;
    }
    return 0;
}

static int read_starter(struct judge_suite *s, PyObject **ret_taken, struct err *err)
{
    *ret_taken = PySet_New(NULL);
    if (!s->starter)
        return 0;
    PyObject *made = judge_prepare_starter(s->starter);
    if (!made) {
        /* A bare signature, which the completion goes on from, runs nowhere by itself: then
         * there are no helpers. */
        if (!PyErr_ExceptionMatches(PyExc_SyntaxError))
            return python_failure(err, "starter");
        PyErr_Clear();
        return 0;
    }
    s->starter_code = Py_NewRef(PyTuple_GET_ITEM(made, 0));
    s->starter_classes = Py_NewRef(PyTuple_GET_ITEM(made, 1));
    Py_SETREF(*ret_taken, Py_NewRef(PyTuple_GET_ITEM(made, 2)));
    Py_DECREF(made);
    return 0;
}

static int read_tests(struct judge_suite *s, PyObject *taken, struct err *err)
{
    const char *source = string_at(s->json, "tests");
    if (!source)
        return 0;
    s->framework = string_at(s->json, "framework") != NULL;
    if (s->framework && s->reference)
        s->underived = true;
    if (s->framework)
        return judge_framework_read(s, source) < 0 ? python_failure(err, "tests") : 0;
    PyObject *made = judge_framework_imports(source) == 0
                         ? judge_prepare_tests(source, taken, s->reference, s->entry_point)
                         : NULL;
    if (!made)
        return python_failure(err, "tests");
    s->tests_code = Py_NewRef(PyTuple_GET_ITEM(made, 0));
    s->site_texts = Py_NewRef(PyTuple_GET_ITEM(made, 1));
    s->n_sites = (int)PyList_GET_SIZE(s->site_texts);
    s->calls_check = PyTuple_GET_ITEM(made, 2) == Py_True;
    s->classes = Py_NewRef(PyTuple_GET_ITEM(made, 3));
    s->awaits = PyTuple_GET_ITEM(made, 4) == Py_True;
    s->checks_by_calls = PyTuple_GET_ITEM(made, 5) == Py_True;
    Py_DECREF(made);
    return 0;
}

/* What the test object `test` is worth; 1 where it does not say. */
double judge_test_points(const json_t *test)
{
    return number_or(test, "points", 1);
}

static void count_groups(struct judge_suite *s, const json_t *tests, bool *weighted)
{
    size_t i;
    json_t *test;
    json_array_foreach (tests, i, test) {
        const char *name = string_at(test, "group");
        json_t *group = name ? json_object_get(s->groups, name) : NULL;
        s->points += judge_test_points(test);
        *weighted = *weighted || judge_test_points(test) != 1;
        if (name && !s->groups)
            s->groups = json_object();
        if (name && !group)
            json_object_set_new(s->groups, name, json_pack("{s:i, s:i}", "passed", 0, "total", 1));
        else if (group)
            json_object_set_new(
                group, "total",
                json_integer(json_integer_value(json_object_get(group, "total")) + 1));
    }
}

/* What the tests are worth, and which groups they are in. */
static void read_worth(struct judge_suite *s, int n_tests)
{
    bool weighted = false;
    s->points = n_tests;
    count_groups(s, json_object_get(s->json, "cases"), &weighted);
    count_groups(s, s->stdio, &weighted);
    if (!weighted)
        s->points = 0;
}

static int read_timing(struct judge_suite *s, struct err *err)
{
    const json_t *json = json_object_get(s->json, "timing");
    const json_t *sizes = json_object_get(json, "sizes");
    const char *setup = string_at(json, "setup");
    for (size_t i = 0; i < json_array_size(sizes) && i < TIMING_SIZES_MAX; i++)
        s->timing_sizes[s->n_timing_sizes++] = (long)json_integer_value(json_array_get(sizes, i));
    s->timing_margin = number_or(json, "margin", TIMING_MARGIN_DEFAULT);
    s->timing_refine_s = number_or(json, "refine", TIMING_REFINE_S_DEFAULT);
    if (!json_is_object(json) || !s->reference)
        return 0;
    TRY(expression(json, "call", &s->timing_call, err));
    s->timing_setup = Py_CompileString(setup ? setup : "", "<setup>", Py_file_input);
    if (!s->timing_setup)
        return python_failure(err, "setup");
    return s->timing_call ? 0 : err_set(err, -EINVAL, "timing: no call");
}

static int read_compare(struct judge_suite *s, struct err *err)
{
    const json_t *compare = json_object_get(s->json, "compare");
    const json_t *range = json_object_get(compare, "float");
    const char *sequences = string_at(compare, "sequences"),
               *booleans = string_at(compare, "booleans"), *source = string_at(compare, "python");
    /* JSON and YAML know only lists, so an `expected` list means any sequence unless the problem
     * insists. */
    s->compare.any_sequence = !sequences || strcmp(sequences, "any") == 0;
    s->compare.any_boolean = booleans && strcmp(booleans, "any") == 0;
    s->compare.tolerance = number_or(compare, "float", 0);
    s->compare.absolute = number_or(range, "absolute", 0);
    s->compare.relative = number_or(range, "relative", 0);
    s->found = json_is_true(json_object_get(compare, "found"));
    if (!source)
        return 0;
    PyObject *globals = judge_embedded(source, "<compare>");
    s->accept = globals ? Py_XNewRef(PyDict_GetItemString(globals, "accept")) : NULL;
    Py_XDECREF(globals);
    if (PyErr_Occurred())
        return python_failure(err, "compare.python");
    return s->accept ? 0 : err_set(err, -EINVAL, "compare.python defines no accept()");
}

/* Whether the problem's own starter or reference defines the entry point as a class. */
static bool defines_class(const struct judge_suite *s)
{
    char pattern[200];
    regex_t re;
    bool found = false;
    if (!s->entry_point || strlen(s->entry_point) > 100)
        return false;
    snprintf(pattern, sizeof pattern, "^class[ \t]+%s[ \t]*[(:]", s->entry_point);
    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE) != 0)
        return false;
    found = (s->starter && regexec(&re, s->starter, 0, NULL, 0) == 0) ||
            (s->reference && regexec(&re, s->reference, 0, NULL, 0) == 0);
    regfree(&re);
    return found;
}

static int read_suite(struct judge_suite *s, struct err *err)
{
    PyObject *taken = NULL;
    const json_t *cases = json_object_get(s->json, "cases"), *limits;
    s->entry_point = string_at(s->json, "entry_point");
    s->entry_class = string_at(s->json, "entry_class");
    s->starter = string_at(s->json, "starter");
    s->reference = string_at(s->json, "reference");
    TRY(read_compare(s, err));
    limits = json_object_get(s->json, "limits");
    s->limits = judge_limits(limits);
    s->uncalibrated = s->limits.cpu_times > 0;
    s->is_class = defines_class(s);
    s->n_cases = (int)json_array_size(cases);
    s->cases = xcalloc((size_t)s->n_cases, sizeof *s->cases);
    for (int i = 0; i < s->n_cases; i++)
        TRY(read_case(s, i, json_array_get(cases, (size_t)i), err));
    if (judge_derive_read(s) < 0)
        return python_failure(err, "derive");
    int rc = read_starter(s, &taken, err);
    if (rc == 0)
        rc = read_tests(s, taken, err);
    Py_XDECREF(taken);
    TRY(rc);
    if (s->reference && !(s->shadows = judge_prepare_shadows(s->reference)))
        return python_failure(err, "reference");
    TRY(judge_checker_read(&s->checker, json_object_get(s->json, "checker"), err));
    TRY(read_timing(s, err));
    s->stdio = json_object_get(s->json, "stdio");
    int tests = !s->tests_code ? 0 : s->n_sites ? s->n_sites : 1;
    s->total = s->n_cases + tests + (int)json_array_size(s->stdio);
    s->stop_on_first_failure = json_is_true(json_object_get(s->json, "stop_on_first_failure"));
    read_worth(s, tests);
    return s->total ? 0 : err_set(err, -EINVAL, "no tests");
}

static void suite_free(struct judge_suite *s)
{
    for (int i = 0; i < s->n_cases; i++) {
        struct judge_case *c = &s->cases[i];
        Py_XDECREF(c->args);
        Py_XDECREF(c->kwargs);
        Py_XDECREF(c->call);
        Py_XDECREF(c->returns);
        Py_XDECREF(c->expected);
    }
    free(s->cases);
    Py_XDECREF(s->starter_code);
    Py_XDECREF(s->starter_classes);
    Py_XDECREF(s->shadows);
    Py_XDECREF(s->tests_code);
    Py_XDECREF(s->site_texts);
    Py_XDECREF(s->classes);
    Py_XDECREF(s->accept);
    Py_XDECREF(s->oracle);
    judge_checker_free(&s->checker);
    json_decref(s->groups);
    Py_XDECREF(s->timing_setup);
    Py_XDECREF(s->timing_call);
    json_decref(s->json);
    buf_free(&s->last_words);
    free(s->broken);
    free(s->key);
    free(s);
}

/* ---- the cache ------------------------------------------------------------------------------- */

static struct judge_suite **bucket_of(const char *key)
{
    return &cache.buckets[str_hash(STR_HASH_START, str_of(key)) % BUCKETS];
}

static struct judge_suite **find(const char *key)
{
    struct judge_suite **at = bucket_of(key);
    while (*at && strcmp((*at)->key, key) != 0)
        at = &(*at)->next_in_bucket;
    return at;
}

static void evict(const char *key)
{
    struct judge_suite **at = find(key), *s = *at;
    if (!s)
        return;
    *at = s->next_in_bucket;
    queue_remove(&s->recent);
    cache.n--;
    suite_free(s);
}

void judge_suite_put(const char *key, json_t *suite)
{
    struct err err = {0};
    if (!cache.recent.next)
        queue_init(&cache.recent);
    struct judge_suite *s = xcalloc(1, sizeof *s);
    s->key = check_alloc(strdup(key));
    s->json = json_incref(suite);
    /* Its trees are thousands of objects that live for a moment and hold no cycle. */
    const int collects = PyGC_Disable();
    if (read_suite(s, &err) < 0)
        s->broken = check_alloc(strdup(err.text));
    if (collects)
        PyGC_Enable();
    evict(key);
    if (cache.n == JUDGE_SUITES_MAX)
        evict(NODE_OWNER(cache.recent.next, struct judge_suite, recent)->key);
    struct judge_suite **at = find(key);
    *at = s;
    queue_push(&cache.recent, &s->recent);
    cache.n++;
}

struct judge_suite *judge_suite_find(const char *key)
{
    struct judge_suite *s = key && cache.recent.next ? *find(key) : NULL;
    if (s) {
        queue_remove(&s->recent);
        queue_push(&cache.recent, &s->recent);
    }
    return s;
}
