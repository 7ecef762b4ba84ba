/* foreign.c: what the readers of other projects' formats share.
 *
 * Such files have many revisions and carry columns that are nobody's test (model names, scores,
 * dates), so keys that a format does not need are passed over; those it needs are checked as
 * strictly as the native ones. */
#include "readers.h"

#include "usual_imports.h"

/* One line, before prompt and program alike. */
const char prb_usual_imports[] = USUAL_IMPORTS;

bool prb_has(const json_t *object, const char *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!json_object_get(object, keys[i]))
            return false;
    return true;
}

int prb_need_texts(const json_t *object, const char *const *keys, size_t n, const struct where *w,
                   struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!json_is_string(json_object_get(object, keys[i])))
            return keys_fail(w, object, keys[i], err, "`%s` must be a string", keys[i]);
        TRY(prb_no_nul(object, keys[i], w, err));
    }
    return 0;
}

json_t *prb_inner(const json_t *object, const char *key)
{
    json_t *v = json_object_get(object, key);
    json_error_t je;
    if (!json_is_string(v))
        return json_incref(v);
    return prb_parse_json(str_make(json_string_value(v), json_string_length(v)),
                          JSON_REJECT_DUPLICATES, &je);
}

/* The bytes of `prompt` before the line that starts the definition of `entry`; all of it when
 * there is none. */
static size_t definition_at(const char *prompt, const char *entry)
{
    size_t len = strlen(entry), at = strlen(prompt);
    for (const char *line = prompt; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, "def ", 4) == 0 && strncmp(line + 4, entry, len) == 0 &&
            strchr("( \t", line[4 + len]))
            at = (size_t)(line - prompt);
    return at;
}

void prb_continue(struct problem *p, const char *prompt, const char *entry)
{
    p->prompt = check_alloc(strdup(prompt));
    p->entry_point = check_alloc(strdup(entry));
    CHECK(asprintf(&p->starter, "%s%.*s", prb_usual_imports, (int)definition_at(prompt, entry),
                   prompt) >= 0);
    CHECK(asprintf(&p->prefix, "%s%s", prb_usual_imports, prompt) >= 0);
}

char *prb_foreign_id(const json_t *object, const char *const *keys, size_t n, const char *prefix)
{
    char hash[33], *id = NULL;
    for (size_t i = 0; i < n && !id; i++) {
        const json_t *v = json_object_get(object, keys[i]);
        const char *text = json_string_value(v);
        if (json_is_integer(v))
            CHECK(asprintf(&id, "%s%lld", prefix, (long long)json_integer_value(v)) >= 0);
        else if (text && *text && strlen(text) == json_string_length(v))
            CHECK(asprintf(&id, "%s%s", strchr(text, '/') ? "" : prefix, text) >= 0);
    }
    if (!id) {
        prb_hash(object, hash);
        CHECK(asprintf(&id, "%s%.12s", prefix, hash) >= 0);
    }
    return id;
}

json_t *prb_unfence(const char *text)
{
    const char *open = strstr(text, "```"), *line = open ? strchr(open, '\n') : NULL;
    const char *close = line ? strstr(line + 1, "\n```") : NULL;
    if (!line)
        return json_string(text);
    return close ? json_stringn(line + 1, (size_t)(close - line)) : json_string(line + 1);
}
