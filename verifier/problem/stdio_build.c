/* stdio_build.c: from the rows of a foreign data set to a problem.
 *
 * Each set says the same in its own shape: pairs of input and output for whole programs, pairs
 * of arguments and result for one function. The readers find the rows; the rows are read here.
 *
 * Call-based rows follow APPS and its descendants: `class Solution` with the method, or a plain
 * function, whichever the program has; and many of them wrap the result in a list of one. A set
 * that does so does it for all tests of a problem. So where *every* result is a list of one, the
 * element passes as well as the list; anywhere else only the value itself does. (APPS's own
 * harness takes the first element of any list for right.) */
#include <math.h>

#include "stdio.h"

enum { REFERENCES_MAX = 3 };
static const double SECONDS_MIN = 4;

prb_reader prb_stdio_reader(const json_t *object)
{
    static const struct {
        bool (*is)(const json_t *object);
        prb_reader read;
    } formats[] = {
        {prb_is_codecontests, prb_read_codecontests},
        {prb_is_livecodebench, prb_read_livecodebench},
        {prb_is_openr1, prb_read_openr1},
        {prb_is_codeforces, prb_read_codeforces},
        {prb_is_apps, prb_read_apps},
        {prb_is_primeintellect, prb_read_primeintellect},
        {prb_is_commonoj, prb_read_commonoj},
    };
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (formats[i].is(object))
            return formats[i].read;
    return NULL;
}

void prb_build_begin(struct prb_build *b, const json_t *object, const struct where *w,
                     struct problem *p, struct err *err)
{
    *b = (struct prb_build){.object = object, .w = w, .p = p, .err = err};
    b->stdio = json_array();
    b->cases = json_array();
    p->limits = LIMITS_DEFAULT;
    p->limits.cpu_s = SECONDS_MIN;
    p->limits.wall_s = 2 * SECONDS_MIN + 5;
}

int prb_build_fail(struct prb_build *b, const char *key, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return keys_fail(b->w, b->object, key, b->err, "%s", text);
}

/* Words of the same letters in another case are right only where the problem says so. */
static bool any_case(const char *prompt)
{
    static const char *const phrases[] = {"in any case", "case-insensitive", "case insensitive"};
    for (size_t i = 0; i < COUNT_OF(phrases); i++)
        if (strcasestr(prompt, phrases[i]))
            return true;
    return false;
}

/* Word by word; what is written with a decimal point may differ by 1e-6, a whole number may
 * not. */
static json_t *default_checker(const char *prompt)
{
    return json_pack("{s:{s:f, s:f, s:s, s:b}}", "float", "absolute", 1e-6, "relative", 1e-6,
                     "integers", "exact", "ignore_case", any_case(prompt));
}

static int finish(struct prb_build *b)
{
    struct problem *p = b->p;
    size_t n = json_array_size(b->cases), i;
    json_t *one;
    if (n + json_array_size(b->stdio) == 0)
        return prb_build_fail(b, NULL, "no tests");
    if (b->wrapped == (int)n)
        json_array_foreach (b->cases, i, one)
            json_object_set_new(one, "wrapped", json_true());
    if (!p->starter)
        p->starter = check_alloc(strdup(""));
    if (!b->checker)
        b->checker = default_checker(p->prompt);
    p->entry_point = b->function ? check_alloc(strdup(b->function)) : NULL;
    prb_finish(p, &(struct prb_tests){.cases = b->cases,
                                      .stdio = b->stdio,
                                      .checker = b->checker,
                                      .reference = b->reference,
                                      .entry_class = b->function ? "Solution" : NULL});
    if (b->function && strstr(p->starter, "class Solution")) {
        free(p->entry_point); /* what a reader of the program should look for */
        p->entry_point = check_alloc(strdup("Solution"));
    }
    return 0;
}

int prb_build_end(struct prb_build *b, int rc)
{
    if (rc == 0)
        rc = finish(b);
    json_decref(b->stdio);
    json_decref(b->cases);
    json_decref(b->checker);
    json_decref(b->reference);
    free(b->function);
    return rc;
}

int prb_build_prompt(struct prb_build *b, const char *const *keys, size_t n)
{
    struct buf text = {0};
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        const json_t *v = json_object_get(b->object, keys[i]);
        if (!v || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0))
            continue;
        if (!json_is_string(v))
            rc = prb_build_fail(b, keys[i], "`%s` must be a string", keys[i]);
        else
            rc = prb_no_nul(b->object, keys[i], b->w, b->err);
        if (text.len)
            buf_puts(&text, "\n\n");
        if (rc == 0)
            buf_puts(&text, json_string_value(v));
    }
    if (rc == 0 && text.len == 0)
        rc = prb_build_fail(b, keys[0], "`%s` is missing or empty", keys[0]);
    if (rc == 0 && text.s)
        b->p->prompt = check_alloc(strdup(text.s));
    buf_free(&text);
    return rc;
}

/* ---- whole programs -------------------------------------------------------------------------- */

/* A text as it is, a list of texts as lines, a number as it is written. */
static json_t *text_of(const json_t *v)
{
    struct buf text = {0};
    size_t i;
    json_t *line;
    if (json_is_string(v))
        return json_incref((json_t *)v);
    if (json_is_number(v)) {
        char *s = json_dumps(v, JSON_ENCODE_ANY);
        json_t *made = json_string(s);
        free(s);
        return made;
    }
    bool good = json_is_array(v);
    json_array_foreach (v, i, line) {
        json_t *part = json_is_array(line) ? NULL : text_of(line);
        good = good && part;
        if (good && i)
            buf_char(&text, '\n');
        if (good)
            buf_add(&text, json_string_value(part), json_string_length(part));
        json_decref(part);
    }
    json_t *made = good ? json_stringn(buf_view(&text).s, text.len) : NULL;
    buf_free(&text);
    return made;
}

int prb_build_stdio(struct prb_build *b, const json_t *input, const json_t *output, const char *key,
                    size_t i, const char *group)
{
    json_t *in = text_of(input), *out = text_of(output);
    if (in && out)
        json_array_append_new(
            b->stdio, json_pack("{s:O, s:O, s:s*}", "stdin", in, "stdout", out, "group", group));
    json_decref(in);
    json_decref(out);
    return in && out ? 0
                     : prb_build_fail(b, key,
                                      "`%s`: test %zu: input and output must be texts, or "
                                      "lists of lines",
                                      key, i);
}

/* ---- calls ----------------------------------------------------------------------------------- */

int prb_build_function(struct prb_build *b, const char *name, const char *key)
{
    size_t n = strlen(name), i = 0;
    while (i < n && (isalnum((unsigned char)name[i]) || name[i] == '_' || name[i] & 0x80))
        i++;
    if (n == 0 || i < n || isdigit((unsigned char)name[0]))
        return prb_build_fail(b, key, "`%s`: `%.80s` is no function's name", key, name);
    if (b->function && strcmp(b->function, name) != 0)
        return prb_build_fail(b, key, "`%s`: tests call both `%.80s` and `%.80s`", key, b->function,
                              name);
    if (!b->function)
        b->function = check_alloc(strdup(name));
    return 0;
}

/* LiveCodeBench's "[1, 2]\n3": one JSON value a line, into a list of all. */
static json_t *list_of_lines(const json_t *text)
{
    struct str rest = str_make(json_string_value(text), json_string_length(text));
    json_t *list = json_array();
    for (bool more = true; more && list;) {
        ptrdiff_t end = str_find(rest, STR("\n"), 0);
        more = end >= 0;
        struct str line = str_make(rest.s, more ? (size_t)end : rest.len);
        rest = str_from(rest, line.len + 1);
        json_t *value = prb_parse_json(line, JSON_DECODE_ANY | JSON_ALLOW_NUL, &(json_error_t){0});
        if (!value || json_array_append_new(list, value) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

/* A mapping whose keys are all whole numbers: JSON's way of writing {1: ...}. */
static bool int_keys(const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)object, key, value) {
        const char *digits = key + (*key == '-');
        if (!*digits || digits[strspn(digits, "0123456789")])
            return false;
    }
    return json_object_size(object) > 0;
}

/* APPS turns such keys into numbers, in arguments and results alike. */
static bool has_int_keys(const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach (value, i, item)
        if (int_keys(item))
            return true;
    return int_keys(value);
}

int prb_build_call(struct prb_build *b, const json_t *args, const json_t *expected, const char *key,
                   size_t i, const char *group)
{
    bool text = json_is_string(args);
    json_t *list = text                  ? list_of_lines(args)
                   : json_is_array(args) ? json_incref((json_t *)args)
                                         : NULL;
    json_t *answer = text ? prb_json_of(expected) : json_incref((json_t *)expected);
    bool good = list && answer;
    if (good) {
        b->wrapped += !text && json_array_size(answer) == 1;
        json_t *one =
            json_pack("{s:O, s:O, s:s*}", "args", list, "expected", answer, "group", group);
        if (!text && (has_int_keys(list) || has_int_keys(answer)))
            json_object_set_new(one, "int_keys", json_true());
        json_array_append_new(b->cases, one);
    }
    json_decref(list);
    json_decref(answer);
    return good ? 0
                : prb_build_fail(b, key,
                                 "`%s`: test %zu: a call needs a list of arguments (or one "
                                 "JSON value a line) and a result in JSON",
                                 key, i);
}

/* ---- rows and columns ------------------------------------------------------------------------ */

static int add_test(struct prb_build *b, const json_t *input, const json_t *output, bool call,
                    const char *key, size_t i, const char *group)
{
    if (!call)
        return prb_build_stdio(b, input, output, key, i, group);
    return b->function
               ? prb_build_call(b, input, output, key, i, group)
               : prb_build_fail(b, key, "`%s`: test %zu calls a function that has no name", key, i);
}

/* A row's own function name: its `fn_name`, or its metadata's `func_name`. */
static int row_function(struct prb_build *b, const json_t *row, const char *key)
{
    const char *name = prb_text(row, "fn_name", "");
    if (!*name)
        name = prb_text(json_object_get(row, "metadata"), "func_name", "");
    return *name ? prb_build_function(b, name, key) : 0;
}

static int add_row(struct prb_build *b, const json_t *row, const char *key, size_t i,
                   const char *group)
{
    static const char *const calls[] = {"function_call", "functional", "call", "call_based"};
    static const char *const programs[] = {"stdin_stdout", "stdin", "stdio", "standard_input"};
    const json_t *input = json_object_get(row, "input"), *output = json_object_get(row, "output");
    const char *type = prb_text(row, "type", prb_text(row, "testtype", NULL));
    if (!input || !output)
        return prb_build_fail(b, key, "`%s`: test %zu has no `input` or no `output`", key, i);
    TRY(row_function(b, row, key));
    bool call = b->function != NULL, known = !type;
    for (size_t k = 0; type && k < COUNT_OF(calls); k++)
        if (strcmp(type, calls[k]) == 0 || strcmp(type, programs[k]) == 0) {
            known = true;
            call = strcmp(type, calls[k]) == 0;
        }
    if (!known)
        return prb_build_fail(b, key, "`%s`: test %zu is of an unknown type, `%.40s`", key, i,
                              type);
    return add_test(b, input, output, call, key, i, group);
}

int prb_build_rows(struct prb_build *b, const json_t *rows, const char *key, const char *group)
{
    size_t i;
    json_t *row;
    if (!json_is_array(rows))
        return prb_build_fail(b, key, "`%s` must be a list of tests", key);
    json_array_foreach (rows, i, row)
        TRY(add_row(b, row, key, i, group));
    return 0;
}

int prb_build_columns(struct prb_build *b, const json_t *columns, const char *key)
{
    const json_t *in = json_object_get(columns, "inputs"),
                 *out = json_object_get(columns, "outputs");
    const char *name = prb_text(columns, "fn_name", "");
    size_t i;
    json_t *input;
    if (*name)
        TRY(prb_build_function(b, name, key));
    if (!json_is_array(in) || json_array_size(in) != json_array_size(out))
        return prb_build_fail(b, key, "`%s` needs the lists `inputs` and `outputs`, equally long",
                              key);
    json_array_foreach (in, i, input)
        TRY(add_test(b, input, json_array_get(out, i), b->function != NULL, key, i, NULL));
    return 0;
}

json_t *prb_json_of(const json_t *text)
{
    struct str s = str_make(json_string_value(text), json_string_length(text));
    return s.s ? prb_parse_json(s, JSON_DECODE_ANY | JSON_ALLOW_NUL, &(json_error_t){0}) : NULL;
}

json_t *prb_build_value(struct prb_build *b, const char *key)
{
    json_t *v = json_object_get(b->object, key);
    json_t *value = json_is_string(v) ? prb_json_of(v) : json_incref(v);
    if (!value)
        prb_build_fail(b, key, v ? "`%s` is no JSON" : "missing key `%s`", key);
    return value;
}

void prb_build_solutions(struct prb_build *b, const json_t *sources)
{
    size_t i;
    json_t *source;
    if (!b->p->references)
        b->p->references = json_array();
    json_array_foreach (sources, i, source) {
        json_t *program = json_is_string(source) ? prb_unfence(json_string_value(source)) : NULL;
        if (program && !b->reference)
            b->reference = json_incref(program);
        else if (program && json_array_size(b->p->references) < REFERENCES_MAX)
            json_array_append(b->p->references, program);
        json_decref(program);
    }
}

/* ---- limits ---------------------------------------------------------------------------------- */

void prb_build_seconds(struct prb_build *b, double seconds)
{
    struct limits *l = &b->p->limits;
    if (!(seconds > 0))
        return;
    l->cpu_s = fmin(fmax(SECONDS_MIN, 2 * seconds), 600);
    l->wall_s = 2 * l->cpu_s + 5;
}

void prb_build_bytes(struct prb_build *b, double bytes)
{
    struct limits *l = &b->p->limits;
    double mib = bytes / (1 << 20);
    if (mib > l->memory_mib)
        l->memory_mib = (int)fmin(mib, 1 << 16);
}

bool prb_is_python(const char *language)
{
    static const char *const names[] = {"python", "python3", "py", "py3", ""};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (!language || strcasecmp(language, names[i]) == 0)
            return true;
    return false;
}
