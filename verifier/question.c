/* question.c: JSON, then for each text a zero byte, its key, a zero byte, its length (u32) and its
 * bytes. JSON holds no zero byte of its own. */
#include "question.h"

#include <stdint.h>

#include "base/check.h"

static int append(const char *bytes, size_t n, void *out)
{
    buf_add(out, bytes, n);
    return 0;
}

void question_write(const json_t *json, const struct question_text *texts, struct buf *ret)
{
    enum { BESIDE_BYTES = 512 }; /* the JSON, and the texts' names and lengths, mostly */
    size_t n_texts = 0;
    for (int i = 0; texts && i < QUESTION_TEXTS_MAX; i++)
        n_texts += texts[i].key ? texts[i].text.len : 0;
    buf_reserve(ret, n_texts + BESIDE_BYTES);
    CHECK(json_dump_callback(json, append, ret, JSON_COMPACT) == 0);
    for (int i = 0; texts && i < QUESTION_TEXTS_MAX; i++) {
        const uint32_t n = (uint32_t)texts[i].text.len;
        if (!texts[i].key)
            continue;
        CHECK(texts[i].text.len <= UINT32_MAX);
        buf_char(ret, 0);
        buf_add(ret, texts[i].key, strlen(texts[i].key) + 1);
        buf_add(ret, &n, sizeof n);
        buf_str(ret, texts[i].text);
    }
}

/* Takes one text off the front of what lies beside the JSON. */
static bool take_text(struct str *rest, json_t *json)
{
    uint32_t n;
    const char *key = rest->s + 1;
    const char *end = rest->len > 1 ? memchr(key, 0, rest->len - 1) : NULL;
    if (rest->s[0] || !end)
        return false;
    struct str after = str_from(*rest, (size_t)(end + 1 - rest->s));
    if (after.len < sizeof n)
        return false;
    memcpy(&n, after.s, sizeof n);
    after = str_from(after, sizeof n);
    if (n > after.len || json_object_set_new(json, key, json_stringn_nocheck(after.s, n)) < 0)
        return false;
    *rest = str_from(after, n);
    return true;
}

json_t *question_read(struct str payload)
{
    const char *end = payload.len ? memchr(payload.s, 0, payload.len) : NULL;
    const size_t n = end ? (size_t)(end - payload.s) : payload.len;
    struct str rest = str_from(payload, n);
    json_t *json = json_loadb(payload.s, n, JSON_ALLOW_NUL, NULL);
    while (json && rest.len)
        if (!take_text(&rest, json)) {
            json_decref(json);
            json = NULL;
        }
    return json;
}
