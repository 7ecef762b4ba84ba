#include "trainer/rl/math_answer.h"

#include <ctype.h>
#include <math.h>

/* ---- finding it ------------------------------------------------------------------------------ */

static ptrdiff_t find_last(struct str text, struct str what)
{
    ptrdiff_t last = -1;
    for (ptrdiff_t at = 0; (at = str_find(text, what, (size_t)at)) >= 0; at++)
        last = at;
    return last;
}

/* What stands in the braces that open at text[from]; false when they do not close. */
static bool in_braces(struct str text, size_t from, struct str *ret)
{
    int depth = 0;
    for (size_t i = from; i < text.len; i++) {
        depth += text.s[i] == '{';
        depth -= text.s[i] == '}';
        if (depth == 0) {
            *ret = str_make(text.s + from + 1, i - from - 1);
            return true;
        }
    }
    return false;
}

static bool is_digit(struct str s, size_t i)
{
    return i < s.len && isdigit((unsigned char)s.s[i]);
}

/* The length of the number at s[at], its sign included: 1,234.5 or -3/4 or .5; 0: there is none. */
static size_t number_length(struct str s, size_t at)
{
    size_t i = at + (at < s.len && (s.s[at] == '-' || s.s[at] == '+'));
    if (!is_digit(s, i) && !(i < s.len && s.s[i] == '.' && is_digit(s, i + 1)))
        return 0;
    while (is_digit(s, i) || (i < s.len && strchr(".,/", s.s[i]) && is_digit(s, i + 1)))
        i++;
    return i - at;
}

static bool last_number(struct str text, struct str *ret)
{
    bool found = false;
    for (size_t i = 0, n; i < text.len; i += n ? n : 1) {
        /* A minus between two things is an operator. */
        const bool joined = i && text.s[i] == '-' && isalnum((unsigned char)text.s[i - 1]);
        n = joined ? 0 : number_length(text, i);
        if (n) {
            *ret = str_make(text.s + i, n);
            found = true;
        }
    }
    return found;
}

bool math_answer(struct str text, struct str *ret)
{
    static const struct str open = STR("<think>"), close = STR("</think>"), boxed = STR("\\boxed"),
                            mark = STR("####");
    ptrdiff_t at = find_last(text, close);
    if (at >= 0)
        text = str_from(text, (size_t)at + close.len);
    else if (str_find(text, open, 0) >= 0)
        return false;
    at = find_last(text, boxed);
    if (at >= 0 && (size_t)at + boxed.len < text.len && text.s[(size_t)at + boxed.len] == '{' &&
        in_braces(text, (size_t)at + boxed.len, ret))
        return true;
    at = find_last(text, mark);
    if (at >= 0) {
        struct str line = str_from(text, (size_t)at + mark.len);
        const char *end = memchr(line.s, '\n', line.len);
        line = str_trim(str_make(line.s, end ? (size_t)(end - line.s) : line.len));
        if (line.len) {
            *ret = line;
            return true;
        }
    }
    return last_number(text, ret);
}

/* ---- comparing ------------------------------------------------------------------------------- */

/* What a double holds exactly; a longer number is compared by its letters. */
enum { DIGITS_MAX = 15 };

/* A number as a quotient. */
struct quotient {
    double over, under;
};

/* Digits with commas and one point, all of *s. */
static bool read_decimal(struct str s, struct quotient *ret)
{
    struct quotient q = {0, 1};
    bool point = false;
    int digits = 0;
    double sign = 1;
    if (s.len && (s.s[0] == '-' || s.s[0] == '+')) {
        sign = s.s[0] == '-' ? -1 : 1;
        s = str_from(s, 1);
    }
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.s[i];
        if (isdigit((unsigned char)c)) {
            q.over = q.over * 10 + (c - '0');
            q.under *= point ? 10 : 1;
            digits++;
        } else if (c == '.' && !point) {
            point = true;
        } else if (c != ',' || point || !digits || !is_digit(s, i + 1)) {
            return false;
        }
    }
    q.over *= sign;
    *ret = q;
    return digits > 0 && digits <= DIGITS_MAX;
}

static bool divide(struct str over, struct str under, struct quotient *ret)
{
    struct quotient a, b;
    if (!read_decimal(over, &a) || !read_decimal(under, &b) || !(fabs(b.over) > 0))
        return false;
    *ret = (struct quotient){a.over * b.under, a.under * b.over};
    return true;
}

/* \frac{a}{b}, \dfrac{a}{b}, \tfrac{a}{b}, \frac12 */
static bool read_frac(struct str s, struct quotient *ret)
{
    struct str over, under;
    double sign = 1;
    if (s.len && s.s[0] == '-') {
        sign = -1;
        s = str_from(s, 1);
    }
    ptrdiff_t at = str_find(s, STR("frac"), 0);
    if (at < 1 || at > 2 || s.s[0] != '\\' || (at == 2 && s.s[1] != 'd' && s.s[1] != 't'))
        return false;
    s = str_from(s, (size_t)at + 4);
    if (s.len == 2 && is_digit(s, 0) && is_digit(s, 1)) {
        over = str_make(s.s, 1);
        under = str_from(s, 1);
    } else if (!s.len || s.s[0] != '{' || !in_braces(s, 0, &over) || over.len + 2 >= s.len ||
               s.s[over.len + 2] != '{' || !in_braces(s, over.len + 2, &under) ||
               over.len + under.len + 4 != s.len) {
        return false;
    }
    if (!divide(over, under, ret))
        return false;
    ret->over *= sign;
    return true;
}

/* Without spaces, a currency sign before and what may stand after. */
static struct str bare(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isspace((unsigned char)s.s[i]))
            buf_char(out, s.s[i]);
    struct str b = buf_view(out);
    const size_t escaped = b.len && b.s[0] == '\\'; /* \$ as well as $ */
    if (b.len > escaped && b.s[escaped] == '$')
        b = str_from(b, escaped + 1);
    while (b.len && strchr(".%$\\", b.s[b.len - 1]))
        b.len--;
    return b;
}

static bool read_number(struct str s, struct quotient *ret)
{
    const char *slash = s.len ? memchr(s.s, '/', s.len) : NULL;
    if (!slash)
        return read_decimal(s, ret) || read_frac(s, ret);
    const size_t at = (size_t)(slash - s.s);
    return divide(str_make(s.s, at), str_from(s, at + 1), ret);
}

bool math_equal(struct str a, struct str b)
{
    struct buf first = {0}, second = {0};
    struct quotient x, y;
    bool same;
    a = bare(a, &first);
    b = bare(b, &second);
    if (read_number(a, &x) && read_number(b, &y)) {
        const double left = x.over * y.under, right = y.over * x.under;
        same = left <= right && left >= right;
    } else {
        same = a.len > 0 && str_eq(a, b);
    }
    buf_free(&first);
    buf_free(&second);
    return same;
}
