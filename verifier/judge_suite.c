/* judge_suite.c: SUITE frames become compiled suites.
 *
 * A group of completions of one problem compiles its tests once. What is kept is only what no
 * job can change: code objects, decoded expected values (compared, never handed out) and
 * arguments that are encoded afresh for each guest. */
#include "verifier/judge_suite.h"

#include <regex.h>

#include "verifier/judge.h"
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

static int read_case(struct judge_suite *s, int i, const json_t *json, struct err *err)
{
    struct judge_case *c = &s->cases[i];
    const json_t *args = json_object_get(json, "args"), *kwargs = json_object_get(json, "kwargs");
    const json_t *expected = json_object_get(json, "expected");
    c->raises = string_at(json, "raises");
    c->text = string_at(json, "call");
    TRY(expression(json, "call", &c->call, err));
    TRY(expression(json, "returns", &c->returns, err));
    if (expected && !(c->expected = judge_from_json(expected)))
        return python_failure(err, "expected");
    if (!c->call) {
        PyObject *list = args ? judge_from_json(args) : PyList_New(0);
        c->args = list && PyList_Check(list) ? PyList_AsTuple(list) : NULL;
        Py_XDECREF(list);
        c->kwargs = kwargs ? judge_from_json(kwargs) : PyDict_New();
        if (!c->args || !c->kwargs || !PyDict_Check(c->kwargs) || !s->entry_point) {
            PyErr_Clear();
            return err_set(err, -EINVAL, "case %d: `args` and an entry point, or `call`", i + 1);
        }
    }
    if (!c->raises && !c->returns && !c->expected)
        return err_set(err, -EINVAL, "case %d: nothing is expected", i + 1);
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
    PyObject *made = judge_prepare_tests(source, taken);
    if (!made)
        return python_failure(err, "tests");
    s->tests_code = Py_NewRef(PyTuple_GET_ITEM(made, 0));
    s->site_texts = Py_NewRef(PyTuple_GET_ITEM(made, 1));
    s->n_sites = (int)PyList_GET_SIZE(s->site_texts);
    s->calls_check = PyTuple_GET_ITEM(made, 2) == Py_True;
    Py_DECREF(made);
    return 0;
}

static int read_checker(struct judge_suite *s, struct err *err)
{
    static const char *const names[] = {"exact", "tokens", NULL, "unordered-lines"};
    const json_t *json = json_object_get(s->json, "checker");
    const char *source = json_string_value(json_object_get(json, "python"));
    const char *name = json_string_value(json);
    if (json_is_number(json_object_get(json, "float"))) {
        s->checker = CHECK_FLOAT;
        s->checker_tolerance = json_number_value(json_object_get(json, "float"));
        return 0;
    }
    if (source) {
        s->checker = CHECK_PYTHON;
        s->checker_code = Py_CompileString(source, "<checker>", Py_file_input);
        return s->checker_code ? 0 : python_failure(err, "checker");
    }
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (name && names[i] && strcmp(name, names[i]) == 0) {
            s->checker = (enum judge_checker)i;
            return 0;
        }
    return json && !json_is_null(json) ? err_set(err, -EINVAL, "checker: unknown kind") : 0;
}

static int read_timing(struct judge_suite *s, struct err *err)
{
    const json_t *json = json_object_get(s->json, "timing");
    const char *setup = string_at(json, "setup");
    s->timing_margin = number_or(json, "margin", TIMING_MARGIN_DEFAULT);
    if (!json_is_object(json) || !s->reference)
        return 0;
    TRY(expression(json, "call", &s->timing_call, err));
    s->timing_setup = Py_CompileString(setup ? setup : "", "<setup>", Py_file_input);
    if (!s->timing_setup)
        return python_failure(err, "setup");
    return s->timing_call ? 0 : err_set(err, -EINVAL, "timing: no call");
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
    const json_t *cases = json_object_get(s->json, "cases"), *compare, *limits;
    s->entry_point = string_at(s->json, "entry_point");
    s->starter = string_at(s->json, "starter");
    s->reference = string_at(s->json, "reference");
    compare = json_object_get(s->json, "compare");
    const char *sequences = string_at(compare, "sequences");
    /* JSON and YAML know only lists, so an `expected` list means any sequence unless the problem
     * insists. */
    s->compare.any_sequence = !sequences || strcmp(sequences, "any") == 0;
    s->compare.tolerance = number_or(compare, "float", 0);
    limits = json_object_get(s->json, "limits");
    s->limits = judge_limits(limits);
    s->is_class = defines_class(s);
    s->n_cases = (int)json_array_size(cases);
    s->cases = xcalloc((size_t)s->n_cases, sizeof *s->cases);
    for (int i = 0; i < s->n_cases; i++)
        TRY(read_case(s, i, json_array_get(cases, (size_t)i), err));
    int rc = read_starter(s, &taken, err);
    if (rc == 0)
        rc = read_tests(s, taken, err);
    Py_XDECREF(taken);
    TRY(rc);
    if (s->reference && !(s->shadows = judge_prepare_shadows(s->reference)))
        return python_failure(err, "reference");
    TRY(read_checker(s, err));
    TRY(read_timing(s, err));
    s->stdio = json_object_get(s->json, "stdio");
    int tests = !s->tests_code ? 0 : s->n_sites ? s->n_sites : 1;
    s->total = s->n_cases + tests + (int)json_array_size(s->stdio);
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
    Py_XDECREF(s->checker_code);
    Py_XDECREF(s->timing_setup);
    Py_XDECREF(s->timing_call);
    json_decref(s->json);
    free(s->broken);
    free(s->key);
    free(s);
}

/* ---- the cache ------------------------------------------------------------------------------- */

static struct judge_suite **bucket_of(const char *key)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 16777619u;
    return &cache.buckets[h % BUCKETS];
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
    if (read_suite(s, &err) < 0)
        s->broken = check_alloc(strdup(err.text));
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
