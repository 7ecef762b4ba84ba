/* keys.h: which keys an object may have, as a table. An unknown key, a wrong type or a missing
 * key is an error that names file, line and key, and guesses what was meant. Serves YAML (with
 * lines) and JSON. */
#ifndef ASSAY_BASE_KEYS_H
#define ASSAY_BASE_KEYS_H

#include <jansson.h>

#include "base/yaml.h"

enum key_type {
    KEY_STRING = 1 << JSON_STRING,
    KEY_INT = 1 << JSON_INTEGER,
    KEY_REAL = 1 << JSON_REAL,
    KEY_NULL = 1 << JSON_NULL,
    KEY_ARRAY = 1 << JSON_ARRAY,
    KEY_OBJECT = 1 << JSON_OBJECT,
    KEY_TRUE = 1 << JSON_TRUE,
    KEY_FALSE = 1 << JSON_FALSE,
    KEY_BOOL = KEY_TRUE | KEY_FALSE,
    KEY_NUMBER = KEY_INT | KEY_REAL,
    KEY_ANY = KEY_STRING | KEY_NUMBER | KEY_NULL | KEY_ARRAY | KEY_OBJECT | KEY_BOOL,
};

struct key {
    const char *name;
    unsigned types; /* enum key_type bits */
    bool required;
};

/* Where an object stands: "file:line", or with `yaml` the very line of the key in question. */
struct where {
    const char *file;
    int line; /* 0: none */
    const struct yaml *yaml;
};

/* Fills *err with "file:line: text" for `key` of `object` (either may be NULL); returns -EINVAL. */
__attribute__((format(printf, 5, 6))) static inline int keys_fail(const struct where *w,
                                                                  const json_t *object,
                                                                  const char *key, struct err *err,
                                                                  const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    int line = w->yaml && object && key ? yaml_key_line(w->yaml, object, key) : 0;
    if (!line && w->yaml && object)
        line = yaml_line(w->yaml, object);
    if (!line)
        line = w->line;
    if (line)
        return err_set(err, -EINVAL, "%s:%d: %s", w->file, line, text);
    return err_set(err, -EINVAL, "%s: %s", w->file, text);
}

/* Edits between two short words: insert, delete, replace, swap neighbours. Long words never
 * match. */
static inline int keys__distance(const char *a, const char *b)
{
    enum { MAX = 32 };
    int d[MAX + 1][MAX + 1], n = (int)strlen(a), m = (int)strlen(b);
    if (n >= MAX || m >= MAX)
        return MAX;
    for (int i = 0; i <= n; i++)
        for (int j = 0; j <= m; j++) {
            int best = i && j ? d[i - 1][j - 1] + (a[i - 1] != b[j - 1]) : i + j;
            if (i && d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (j && d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

/* The word of the table nearest to `word`, or NULL when none is near. */
static inline const char *keys_nearest(const char *word, const struct key *table, size_t n)
{
    const char *nearest = NULL;
    int limit = strlen(word) < 4 ? 2 : 3;
    for (size_t i = 0; i < n; i++) {
        bool begins = strncmp(word, table[i].name, strlen(word)) == 0;
        int distance = begins ? 1 : keys__distance(word, table[i].name);
        if (distance < limit) {
            limit = distance;
            nearest = table[i].name;
        }
    }
    return nearest;
}

/* "a string or null" for a mask of types. */
static inline void keys_types(unsigned types, char *out, size_t size)
{
    static const struct {
        unsigned mask;
        const char *name;
    } names[] = {
        {KEY_STRING, "a string"},    {KEY_NUMBER, "a number"}, {KEY_INT, "a whole number"},
        {KEY_BOOL, "true or false"}, {KEY_ARRAY, "a list"},    {KEY_OBJECT, "a mapping"},
        {KEY_NULL, "null"},
    };
    out[0] = 0;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if ((types & names[i].mask) != names[i].mask)
            continue;
        types &= ~names[i].mask;
        size_t used = strlen(out);
        snprintf(out + used, size - used, "%s%s", used ? " or " : "", names[i].name);
    }
}

/* `name_prefix` ("limits.", "cases[2].", or "") comes before key names in messages. */
static inline int keys_check(const json_t *object, const struct key *table, size_t n,
                             const char *name_prefix, const struct where *w, struct err *err)
{
    const char *name;
    json_t *value;
    char expected[128];
    if (!json_is_object(object))
        return keys_fail(w, object, NULL, err, "%sexpected a mapping", name_prefix);
    json_object_foreach ((json_t *)object, name, value) {
        size_t i = 0;
        while (i < n && strcmp(table[i].name, name) != 0)
            i++;
        if (i == n) {
            const char *near = keys_nearest(name, table, n);
            return keys_fail(w, object, name, err,
                             near ? "unknown key `%s%.80s` (did you mean `%s`?)"
                                  : "unknown key `%s%.80s`",
                             name_prefix, name, near);
        }
        if (!(table[i].types & 1u << json_typeof(value))) {
            keys_types(table[i].types, expected, sizeof expected);
            return keys_fail(w, object, name, err, "`%s%s` must be %s", name_prefix, name,
                             expected);
        }
    }
    for (size_t i = 0; i < n; i++)
        if (table[i].required && !json_object_get(object, table[i].name))
            return keys_fail(w, object, NULL, err, "missing key `%s%s`", name_prefix,
                             table[i].name);
    return 0;
}

/* That the list at `key`, if there is one, holds strings alone. */
static inline int keys_strings(const json_t *object, const char *key, const char *name_prefix,
                               const struct where *w, struct err *err)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(object, key), i, item)
        if (!json_is_string(item))
            return keys_fail(w, object, key, err, "`%s%s[%zu]` must be a string", name_prefix, key,
                             i);
    return 0;
}

#endif
