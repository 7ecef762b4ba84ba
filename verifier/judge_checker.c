/* judge_checker.c: whether what a program printed is what was expected. Bytes on both sides;
 * linear time but for sorting. */
#include <math.h>

#include "verifier/judge_job.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

static struct str trim_end(struct str s)
{
    while (s.len && is_blank(s.s[s.len - 1]))
        s.len--;
    return s;
}

/* The next line without its trailing blanks. False at the end; blank lines at the end do not
 * count. */
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

static bool same_lines(struct str got, struct str want)
{
    struct str a, b;
    got = trim_end(got);
    want = trim_end(want);
    for (;;) {
        bool more = next_line(&got, &a);
        if (more != next_line(&want, &b))
            return false;
        if (!more)
            return true;
        if (!str_eq(a, b))
            return false;
    }
}

static bool as_number(struct str token, double *ret)
{
    char text[64], *end;
    if (token.len == 0 || token.len >= sizeof text)
        return false;
    memcpy(text, token.s, token.len);
    text[token.len] = 0;
    *ret = strtod(text, &end);
    return *end == 0 && strpbrk(text, "xXpP") == NULL;
}

/* Tokens are equal as text, or, with a tolerance, as numbers that differ by no more than it,
 * absolutely or relatively. */
static bool same_token(struct str a, struct str b, double tolerance)
{
    double x, y;
    if (str_eq(a, b))
        return true;
    if (tolerance <= 0 || !as_number(a, &x) || !as_number(b, &y) || !isfinite(x) || !isfinite(y))
        return false;
    double gap = fabs(x - y);
    return gap <= tolerance || gap <= tolerance * fabs(y);
}

static bool same_tokens(struct str got, struct str want, double tolerance)
{
    struct str a, b;
    for (;;) {
        bool more = next_token(&got, &a);
        if (more != next_token(&want, &b))
            return false;
        if (!more)
            return true;
        if (!same_token(a, b, tolerance))
            return false;
    }
}

static int by_content(const void *x, const void *y)
{
    const struct str *a = x, *b = y;
    int order = memcmp(a->s, b->s, a->len < b->len ? a->len : b->len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

static struct str *sorted_lines(struct str text, size_t *ret_n)
{
    struct str *lines = NULL, line;
    size_t n = 0, cap = 0;
    text = trim_end(text);
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

static bool same_sorted_lines(struct str got, struct str want)
{
    size_t n, m;
    struct str *a = sorted_lines(got, &n), *b = sorted_lines(want, &m);
    bool same = n == m;
    for (size_t i = 0; same && i < n; i++)
        same = str_eq(a[i], b[i]);
    free(a);
    free(b);
    return same;
}

static PyObject *text_of(struct str bytes)
{
    return PyUnicode_DecodeUTF8(bytes.s, (Py_ssize_t)bytes.len, "surrogateescape");
}

/* The suite's own check(stdin, got, expected), in fresh globals. */
static int python_check(const struct judge_suite *s, struct str input, struct str got,
                        struct str want)
{
    PyObject *globals = PyDict_New(), *done = NULL, *check = NULL, *answer = NULL;
    PyObject *a = text_of(input), *b = text_of(got), *c = text_of(want);
    if (globals && a && b && c &&
        PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins()) == 0)
        done = PyEval_EvalCode(s->checker_code, globals, globals);
    if (done) {
        check = PyDict_GetItemString(globals, "check");
        if (check)
            answer = PyObject_CallFunctionObjArgs(check, a, b, c, NULL);
        else
            PyErr_SetString(PyExc_NameError, "the checker defines no check(stdin, got, expected)");
    }
    int yes = answer ? PyObject_IsTrue(answer) : -1;
    if (globals)
        PyDict_Clear(globals);
    Py_XDECREF(globals);
    Py_XDECREF(done);
    Py_XDECREF(answer);
    Py_XDECREF(a);
    Py_XDECREF(b);
    Py_XDECREF(c);
    return yes;
}

int judge_check_output(const struct judge_suite *suite, struct str input, struct str got,
                       struct str expected)
{
    switch (suite->checker) {
    case CHECK_TOKENS:
        return same_tokens(got, expected, 0);
    case CHECK_FLOAT:
        return same_tokens(got, expected, suite->checker_tolerance);
    case CHECK_UNORDERED_LINES:
        return same_sorted_lines(got, expected);
    case CHECK_PYTHON:
        return python_check(suite, input, got, expected);
    case CHECK_EXACT:
        break;
    }
    return same_lines(got, expected);
}
