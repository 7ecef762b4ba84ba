/* yaml_scalar.h: what a plain (unquoted) YAML word means, by YAML 1.2's core schema: null,
 * booleans, integers (also 0x and 0o), floats, else a string. Numbers that JSON cannot hold are
 * refused. */
#ifndef ASSAY_BASE_YAML_SCALAR_H
#define ASSAY_BASE_YAML_SCALAR_H

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline const char *yaml__digits(const char *s)
{
    while (isdigit((unsigned char)*s))
        s++;
    return s;
}

/* [-+]? (\. d+ | d+ (\. d*)?) ([eE] [-+]? d+)?; *ret_integer without dot or exponent. */
static inline bool yaml__is_decimal(const char *s, bool *ret_integer)
{
    s += *s == '-' || *s == '+';
    const char *whole = yaml__digits(s), *end = whole;
    if (*whole == '.')
        end = yaml__digits(whole + 1);
    if (whole == s && end <= whole + 1)
        return false;
    *ret_integer = end == whole;
    if (*end == 'e' || *end == 'E') {
        const char *exponent = end + 1 + (end[1] == '-' || end[1] == '+');
        end = yaml__digits(exponent);
        if (end == exponent)
            return false;
        *ret_integer = false;
    }
    return *end == 0;
}

static inline bool yaml__one_of(const char *s, const char *a, const char *b, const char *c)
{
    return !strcmp(s, a) || !strcmp(s, b) || !strcmp(s, c);
}

/* A new reference, or NULL and *ret_why says what is wrong with it. */
static inline json_t *yaml_scalar(const char *s, const char **ret_why)
{
    bool integer = false;
    int base = s[0] != '0' ? 10 : s[1] == 'x' ? 16 : s[1] == 'o' ? 8 : 10;
    const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "01234567";
    if (!*s || !strcmp(s, "~") || yaml__one_of(s, "null", "Null", "NULL"))
        return json_null();
    if (yaml__one_of(s, "true", "True", "TRUE"))
        return json_true();
    if (yaml__one_of(s, "false", "False", "FALSE"))
        return json_false();
    *ret_why = "a number that JSON cannot hold: write it as Python source (`call:`, `returns:`)";
    errno = 0;
    if (base != 10 && s[2] && !s[2 + strspn(s + 2, digits)]) {
        long long n = strtoll(s + 2, NULL, base);
        return errno ? NULL : json_integer(n);
    }
    if (yaml__is_decimal(s, &integer)) {
        long long n = integer ? strtoll(s, NULL, 10) : 0;
        double d = integer ? 0 : strtod(s, NULL);
        return (integer && errno) || !isfinite(d) ? NULL : integer ? json_integer(n) : json_real(d);
    }
    const char *unsigned_ = s + (*s == '-' || *s == '+');
    if (yaml__one_of(unsigned_, ".inf", ".Inf", ".INF") || yaml__one_of(s, ".nan", ".NaN", ".NAN"))
        return NULL;
    *ret_why = "not UTF-8";
    return json_string(s);
}

#endif
