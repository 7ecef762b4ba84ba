/* lint_known.c: what was learnt of texts that come with every program of a problem, its starter and
 * its model, found again by the text itself. A few sets of a few entries each, the oldest of a set
 * replaced: 8 MiB of texts at the most, and in practice as much as a problem set has. A text that
 * is too long to keep is learnt anew each time. */
#include "base/check.h"
#include "linter.h"

enum { SETS = 128, ENTRIES = 4, TEXT_BYTES_MAX = 16 << 10 };

struct known_set {
    struct known entries[ENTRIES];
    unsigned next; /* to be replaced */
};

static struct known too_long;

static void forget(struct known *k)
{
    buf_free(&k->key);
    json_decref(k->starter.bound);
    *k = (struct known){0};
}

void linter_known_open(struct linter *l)
{
    l->known = xcalloc(SETS, sizeof *l->known);
}

void linter_known_close(struct linter *l)
{
    for (int i = 0; i < SETS; i++)
        for (int k = 0; k < ENTRIES; k++)
            forget(&l->known[i].entries[k]);
    forget(&too_long);
    free(l->known);
}

static bool is_of(const struct known *k, char kind, struct str name, struct str text)
{
    struct str key = buf_view(&k->key);
    return key.len == 2 + name.len + text.len && key.s[0] == kind &&
           str_eq(str_make(key.s + 1, name.len), name) && key.s[1 + name.len] == 0 &&
           str_eq(str_from(key, 2 + name.len), text);
}

struct known *linter_known(struct linter *l, char kind, struct str name, struct str text,
                           bool *ret_new)
{
    const uint32_t h = str_hash(str_hash(STR_HASH_START + (unsigned char)kind, name), text);
    struct known_set *set = &l->known[h % SETS];
    struct known *k = &too_long;
    if (text.len <= TEXT_BYTES_MAX) {
        *ret_new = false;
        for (int i = 0; i < ENTRIES; i++)
            if (is_of(&set->entries[i], kind, name, text))
                return &set->entries[i];
        k = &set->entries[set->next++ % ENTRIES];
    }
    *ret_new = true;
    forget(k);
    if (k != &too_long) {
        buf_char(&k->key, kind);
        buf_str(&k->key, name);
        buf_char(&k->key, 0);
        buf_str(&k->key, text);
    }
    return k;
}
