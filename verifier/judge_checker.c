/* judge_checker.c: whether what a program printed is what was expected. Bytes on both sides,
 * hostile on one of them; linear time but for sorting. White space is the six ASCII blanks,
 * letters and digits are ASCII's, so that no locale and no Unicode look-alike has a say. */
#include "verifier/judge_checker.h"

#include <math.h>

#include "verifier/judge_text.h"

/* A longer word is no number: nobody prints one, and strtod's time grows with it. */
enum { NUMBER_BYTES_MAX = 2048 };

/* ---- texts ----------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool same_text(const struct judge_checker *c, struct str a, struct str b)
{
    if (!c->ignore_case || a.len != b.len)
        return str_eq(a, b);
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.s[i]) != lower(b.s[i]))
            return false;
    return true;
}

static struct str trim_end(struct str s)
{
    while (s.len && is_blank(s.s[s.len - 1]))
        s.len--;
    return s;
}

/* The next line without its trailing blanks. False at the end. */
static bool next_line(struct str *rest, struct str *ret)
{
    if (rest->len == 0)
        return false;
    const char *end = memchr(rest->s, '\n', rest->len);
    size_t n = end ? (size_t)(end - rest->s) : rest->len;
    *ret = trim_end(str_make(rest->s, n));
    *rest = str_from(*rest, end ? n + 1 : n);
    return true;
}

static bool next_token(struct str *rest, struct str *ret)
{
    size_t from = 0, to;
    while (from < rest->len && is_blank(rest->s[from]))
        from++;
    for (to = from; to < rest->len && !is_blank(rest->s[to]);)
        to++;
    *ret = str_make(rest->s + from, to - from);
    *rest = str_from(*rest, to);
    return to > from;
}

/* Both texts piece by piece: equal pieces, and as many of them. */
static bool same_pieces(const struct judge_checker *c, struct str got, struct str want,
                        bool (*next)(struct str *, struct str *),
                        bool (*same)(const struct judge_checker *, struct str, struct str))
{
    struct str a, b;
    got = trim_end(got);
    want = trim_end(want);
    for (;;) {
        bool more = next(&got, &a);
        if (more != next(&want, &b))
            return false;
        if (!more)
            return true;
        if (!same(c, a, b))
            return false;
    }
}

/* ---- numbers --------------------------------------------------------------------------------- */

static size_t digits_from(struct str s, size_t at)
{
    size_t from = at;
    while (at < s.len && is_digit(s.s[at]))
        at++;
    return at - from;
}

/* [-+]? (d+ (. d*)? | . d+) ([eE] [-+]? d+)? and nothing else: no hexadecimal, no nan, no inf,
 * no underscore. */
static bool is_number(struct str s, bool *ret_integer)
{
    size_t at = s.len && (s.s[0] == '-' || s.s[0] == '+'), whole = digits_from(s, at), part = 0;
    at += whole;
    *ret_integer = at == s.len;
    if (at < s.len && s.s[at] == '.')
        at += 1 + (part = digits_from(s, at + 1));
    if (whole + part == 0 || s.len > NUMBER_BYTES_MAX)
        return false;
    if (at < s.len && lower(s.s[at]) == 'e') {
        at++;
        at += at < s.len && (s.s[at] == '-' || s.s[at] == '+');
        size_t exponent = digits_from(s, at);
        at += exponent;
        return exponent > 0 && at == s.len;
    }
    return at == s.len;
}

static double number_of(struct str s)
{
    char text[NUMBER_BYTES_MAX + 1];
    memcpy(text, s.s, s.len);
    text[s.len] = 0;
    return strtod(text, NULL);
}

/* "+007" is 7 and "-0" is 0: sign and leading zeros apart, so that size does not matter. */
static bool same_integer(struct str a, struct str b)
{
    struct str v[2] = {a, b};
    bool negative[2];
    for (int i = 0; i < 2; i++) {
        negative[i] = v[i].s[0] == '-';
        v[i] = str_from(v[i], v[i].s[0] == '-' || v[i].s[0] == '+');
        while (v[i].len > 1 && v[i].s[0] == '0')
            v[i] = str_from(v[i], 1);
        negative[i] = negative[i] && !str_eq(v[i], STR("0"));
    }
    return negative[0] == negative[1] && str_eq(v[0], v[1]);
}

/* Equal as text, or two numbers that differ by no more than the tolerance. */
static bool same_number(const struct judge_checker *c, struct str got, struct str want)
{
    bool whole_got, whole_want;
    if (same_text(c, got, want))
        return true;
    if (!is_number(got, &whole_got) || !is_number(want, &whole_want))
        return false;
    if (whole_got && whole_want && (c->exact_integers || same_integer(got, want)))
        return same_integer(got, want);
    double x = number_of(got), y = number_of(want), gap = fabs(x - y);
    if (!isfinite(x) || !isfinite(y))
        return false;
    return gap <= c->absolute || gap <= c->relative * fabs(y);
}

/* ---- lines in any order ---------------------------------------------------------------------- */

static int by_content(const void *x, const void *y)
{
    const struct str *a = x, *b = y;
    size_t n = a->len < b->len ? a->len : b->len;
    int order = n ? memcmp(a->s, b->s, n) : 0;
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

static struct str *sorted_lines(struct str text, size_t *ret_n)
{
    struct str *lines = NULL, line;
    size_t n = 0, cap = 0;
    while (next_line(&text, &line)) {
        if (n == cap)
            lines = xrealloc(lines, cap = cap ? cap * 2 : 64, sizeof *lines);
        lines[n++] = line;
    }
    if (n)
        qsort(lines, n, sizeof *lines, by_content);
    *ret_n = n;
    return lines;
}

static char *folded(const struct judge_checker *c, struct str *text)
{
    char *copy = xrealloc(NULL, text->len, 1);
    for (size_t i = 0; i < text->len; i++)
        copy[i] = c->ignore_case ? lower(text->s[i]) : text->s[i];
    text->s = copy;
    return copy;
}

static bool same_sorted_lines(const struct judge_checker *c, struct str got, struct str want)
{
    size_t n, m;
    got = trim_end(got);
    want = trim_end(want);
    char *mine = folded(c, &got), *theirs = folded(c, &want);
    struct str *a = sorted_lines(got, &n), *b = sorted_lines(want, &m);
    bool same = n == m;
    for (size_t i = 0; same && i < n; i++)
        same = str_eq(a[i], b[i]);
    free(a);
    free(b);
    free(mine);
    free(theirs);
    return same;
}

/* ---- one answer ------------------------------------------------------------------------------ */

static bool same_output(const struct judge_checker *c, struct str got, struct str want)
{
    switch (c->kind) {
    case CHECK_EXACT:
        return same_text(c, trim_end(got), trim_end(want));
    case CHECK_TOKENS:
        return same_pieces(c, got, want, next_token, same_text);
    case CHECK_FLOAT:
        return same_pieces(c, got, want, next_token, same_number);
    case CHECK_UNORDERED_LINES:
        return same_sorted_lines(c, got, want);
    default:
        return same_pieces(c, got, want, next_line, same_text);
    }
}

int judge_check_output(const struct judge_checker *c, const struct judge_output *o,
                       double *ret_score, struct buf *message)
{
    if (c->kind == CHECK_PYTHON)
        return judge_check_python(c, o, ret_score, message);
    if (c->kind == CHECK_PROGRAM)
        return judge_check_program(c, o, ret_score, message);
    *ret_score = same_output(c, o->got, o->expected);
    return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

static int read_code(struct judge_checker *c, const json_t *json, struct err *err)
{
    const char *check = json_string_value(json_object_get(json, "python"));
    const char *program = json_string_value(json_object_get(json, "program"));
    const char *protocol = json_string_value(json_object_get(json, "protocol"));
    const json_t *flags = json_object_get(json, "flags");
    c->kind = check ? CHECK_PYTHON : CHECK_PROGRAM;
    c->kattis = protocol && strcmp(protocol, "kattis") == 0;
    c->flags = flags ? judge_from_json(flags) : PyList_New(0);
    c->code = Py_CompileString(check ? check : program, "<checker>", Py_file_input);
    if (c->code && c->flags)
        return 0;
    struct buf text = {0};
    judge_error_text(&text);
    PyErr_Clear();
    err_set(err, -EINVAL, "checker: %s", text.s);
    buf_free(&text);
    return -EINVAL;
}

static double number_at(const json_t *json, const char *key)
{
    return json_number_value(json_object_get(json, key));
}

/* {"float": 1e-6} or {"float": {"absolute", "relative", "integers", "ignore_case"}} */
static void read_float(struct judge_checker *c, const json_t *json)
{
    const char *integers = json_string_value(json_object_get(json, "integers"));
    c->kind = CHECK_FLOAT;
    c->absolute = json_is_number(json) ? json_number_value(json) : number_at(json, "absolute");
    c->relative = json_is_number(json) ? json_number_value(json) : number_at(json, "relative");
    c->exact_integers = integers && strcmp(integers, "exact") == 0;
}

int judge_checker_read(struct judge_checker *c, const json_t *json, struct err *err)
{
    static const char *const names[] = {"lines", "exact", "tokens", "unordered-lines", "float"};
    const char *name = json_string_value(json);
    *c = (struct judge_checker){.kind = CHECK_LINES};
    if (!json || json_is_null(json))
        return 0;
    if (json_is_string(json_object_get(json, "python")) ||
        json_is_string(json_object_get(json, "program")))
        return read_code(c, json, err);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const json_t *options = json_object_get(json, names[i]);
        if (!options && !(name && i != CHECK_FLOAT && strcmp(name, names[i]) == 0))
            continue;
        c->kind = (enum judge_checker_kind)i;
        c->ignore_case = json_is_true(json_object_get(options, "ignore_case"));
        if (c->kind == CHECK_FLOAT)
            read_float(c, options);
        return 0;
    }
    return err_set(err, -EINVAL, "checker: unknown kind");
}

void judge_checker_free(struct judge_checker *c)
{
    Py_CLEAR(c->code);
    Py_CLEAR(c->flags);
}
