/* suite.c: what the judge gets of a problem (verifier/judge.h's SUITE), and the key that names
 * it.
 *
 * The key is a hash of the suite's content and of nothing else, so two problems with the same
 * tests share a compiled suite and a cached verdict, and an edited test never meets an old one.
 * Problem files are trusted: the hash needs to be well spread, not hard to invert. */
#include "readers.h"

typedef unsigned __int128 u128;

static int hash_chunk(const char *bytes, size_t n, void *state)
{
    static const u128 prime = (u128)1 << 88 | 0x13b;
    u128 h = *(u128 *)state;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)bytes[i]) * prime;
    *(u128 *)state = h;
    return 0;
}

void prb_hash(const json_t *value, char ret_hex[33])
{
    u128 h = (u128)0x6c62272e07bb0142 << 64 | 0x62b821756295c58d;
    CHECK(json_dump_callback(value, hash_chunk, &h,
                             JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY) == 0);
    snprintf(ret_hex, 33, "%016llx%016llx", (unsigned long long)(h >> 64), (unsigned long long)h);
}

static void put(json_t *suite, const char *key, json_t *borrowed, json_t *fallback)
{
    json_object_set_new(suite, key, borrowed ? json_incref(borrowed) : fallback);
    if (borrowed)
        json_decref(fallback);
}

static json_t *limits_json(const struct limits *l)
{
    json_t *limits =
        json_pack("{s:f, s:f, s:i, s:i, s:i}", "cpu_s", l->cpu_s, "wall_s", l->wall_s, "memory_mib",
                  l->memory_mib, "output_kib", l->output_kib, "threads", l->threads);
    if (l->cpu_times > 0)
        json_object_set_new(limits, "cpu_times", json_real(l->cpu_times));
    return limits;
}

/* Whether some case leaves its answer to the reference. */
static bool asks_reference(const json_t *cases)
{
    static const char *const answers[] = {"expected", "returns", "raises", "expected_json"};
    size_t i, k;
    json_t *item;
    json_array_foreach (cases, i, item) {
        for (k = 0; k < COUNT_OF(answers) && !json_object_get(item, answers[k]); k++)
            ;
        if (k == COUNT_OF(answers))
            return true;
    }
    return false;
}

void prb_finish(struct problem *p, const struct prb_tests *t)
{
    json_t *suite = json_object();
    json_object_set_new(suite, "entry_point",
                        p->entry_point ? json_string(p->entry_point) : json_null());
    json_object_set_new(suite, "starter", json_string(p->starter));
    put(suite, "cases", t->cases, json_array());
    put(suite, "tests", t->tests, json_string(""));
    put(suite, "stdio", t->stdio, json_array());
    put(suite, "checker", t->checker, json_string("lines"));
    put(suite, "compare", t->compare, json_object());
    json_object_set_new(suite, "limits", limits_json(&p->limits));
    put(suite, "timing", t->timing, json_null());
    put(suite, "reference", t->reference, json_null());
    if (t->derive)
        json_object_set(suite, "derive", t->derive);
    else if (asks_reference(t->cases))
        json_object_set_new(suite, "derive", json_object());
    if (t->framework)
        json_object_set_new(suite, "framework", json_string(t->framework));
    if (t->entry_class)
        json_object_set_new(suite, "entry_class", json_string(t->entry_class));
    if (t->stop_on_first_failure)
        json_object_set_new(suite, "stop_on_first_failure", json_true());
    if (t->modules)
        json_object_set(suite, "modules", t->modules);
    p->suite = suite;
    prb_hash(suite, p->key);
    if (!p->references)
        p->references = json_array();
    if (!p->wrong)
        p->wrong = json_array();
    if (!p->shown)
        p->shown = json_object();
}

void prb_release(struct problem *p)
{
    free(p->id);
    free(p->prompt);
    free(p->entry_point);
    free(p->starter);
    free(p->prefix);
    free(p->source);
    json_decref(p->suite);
    json_decref(p->references);
    json_decref(p->wrong);
    json_decref(p->shown);
    *p = (struct problem){0};
}

const char *prb_text(const json_t *object, const char *key, const char *fallback)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : fallback;
}

int prb_no_nul(const json_t *object, const char *key, const struct where *w, struct err *err)
{
    const json_t *s = json_object_get(object, key);
    if (json_is_string(s) && strlen(json_string_value(s)) != json_string_length(s))
        return keys_fail(w, object, key, err, "`%s` holds a NUL byte", key);
    return 0;
}
