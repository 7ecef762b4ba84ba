/* bpe.c: the tokenizer itself: tables, encode, decode.
 *
 * Encoding: added tokens cut the raw text; what lies between is normalised (NFC, if the file asks
 * for it), cut into pieces by the pattern, and each piece's bytes are merged, lowest rank first.
 * All tables are read-only once tok__finish has run, so any number of threads may encode at once.
 * Most pieces are tokens themselves, found by one look-up (`whole`). */
#include <stdlib.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "trainer/text/tok_internal.h"

/* ---- tables --------------------------------------------------------------------------------- */

uint64_t tok__hash(struct str bytes)
{
    uint64_t h = 0x9e3779b97f4a7c15ull ^ bytes.len;
    size_t i = 0;
    for (; i + 8 <= bytes.len; i += 8) {
        uint64_t w;
        memcpy(&w, bytes.s + i, 8);
        h = (h ^ w) * 0xff51afd7ed558ccdull;
        h ^= h >> 29;
    }
    for (; i < bytes.len; i++)
        h = (h ^ (unsigned char)bytes.s[i]) * 0x100000001b3ull;
    return tok__mix(h);
}

static void table_put(struct tok_table *t, uint64_t key, int32_t value, int32_t result);

static void table_grow(struct tok_table *t)
{
    struct tok_table old = *t;
    uint32_t size = old.v ? (old.mask + 1) * 2 : 1024;
    *t = (struct tok_table){.v = xcalloc(size, sizeof *t->v), .mask = size - 1};
    for (uint32_t i = 0; i < size; i++)
        t->v[i].value = -1;
    for (uint32_t i = 0; old.v && i <= old.mask; i++)
        if (old.v[i].value >= 0)
            table_put(t, old.v[i].key, old.v[i].value, old.v[i].result);
    free(old.v);
}

static void table_put(struct tok_table *t, uint64_t key, int32_t value, int32_t result)
{
    if (!t->v || (uint32_t)t->n * 2 > t->mask)
        table_grow(t);
    uint32_t i = (uint32_t)tok__mix(key) & t->mask;
    while (t->v[i].value >= 0)
        i = (i + 1) & t->mask;
    t->v[i] = (struct tok_slot){key, value, result};
    t->n++;
}

static const struct tok_slot *pair_find(const struct tokenizer *t, int32_t left, int32_t right)
{
    if (!t->by_pair.v)
        return NULL;
    uint64_t key = tok__pair(left, right);
    uint32_t i = (uint32_t)tok__mix(key) & t->by_pair.mask;
    for (; t->by_pair.v[i].value >= 0; i = (i + 1) & t->by_pair.mask)
        if (t->by_pair.v[i].key == key)
            return &t->by_pair.v[i];
    return NULL;
}

int32_t tok__find(const struct tokenizer *t, struct str bytes)
{
    if (!t->by_bytes.v)
        return -1;
    uint64_t key = tok__hash(bytes);
    uint32_t i = (uint32_t)tok__mix(key) & t->by_bytes.mask;
    for (; t->by_bytes.v[i].value >= 0; i = (i + 1) & t->by_bytes.mask)
        if (t->by_bytes.v[i].key == key && str_eq(t->token[t->by_bytes.v[i].value], bytes))
            return t->by_bytes.v[i].value;
    return -1;
}

/* ---- building ------------------------------------------------------------------------------- */

struct tokenizer *tok__new(void)
{
    return xcalloc(1, sizeof(struct tokenizer));
}

int tok__set_pattern(struct tokenizer *t, const char *pattern, struct err *err)
{
    TRY(tok__pre_new(pattern, &t->pre, err));
    t->pattern = check_alloc(strdup(pattern));
    return 0;
}

static int place(struct tokenizer *t, int32_t id, struct str bytes)
{
    CHECK(id >= 0 && id < TOK_VOCAB_MAX);
    if (id >= t->cap_tokens) {
        int cap = t->cap_tokens ? t->cap_tokens : 1024;
        while (cap <= id)
            cap *= 2;
        t->token = xrealloc(t->token, (size_t)cap, sizeof *t->token);
        t->is_added = xrealloc(t->is_added, (size_t)cap, sizeof *t->is_added);
        for (int i = t->cap_tokens; i < cap; i++) {
            t->token[i] = (struct str){0};
            t->is_added[i] = false;
        }
        t->cap_tokens = cap;
    }
    if (t->token[id].s)
        return -EEXIST;
    t->token[id] = arena_str(&t->arena, bytes);
    if (id >= t->n_tokens)
        t->n_tokens = id + 1;
    return 0;
}

int tok__put(struct tokenizer *t, int32_t id, struct str bytes)
{
    if (tok__find(t, bytes) >= 0)
        return -EEXIST;
    TRY(place(t, id, bytes));
    table_put(&t->by_bytes, tok__hash(bytes), id, 0);
    return 0;
}

int tok__merge(struct tokenizer *t, int32_t left, int32_t right)
{
    struct str a = t->token[left], b = t->token[right];
    char stack[256], *joined = a.len + b.len <= sizeof stack ? stack : xcalloc(a.len + b.len, 1);
    memcpy(joined, a.s, a.len);
    memcpy(joined + a.len, b.s, b.len);
    int32_t result = tok__find(t, str_make(joined, a.len + b.len));
    if (joined != stack)
        free(joined);
    if (result < 0)
        return -ENOENT;
    if (t->n_merges == t->cap_merges) {
        t->cap_merges = t->cap_merges ? t->cap_merges * 2 : 1024;
        t->merges = xrealloc(t->merges, (size_t)t->cap_merges, sizeof *t->merges);
    }
    if (!pair_find(t, left, right)) /* a repeated merge keeps its first rank */
        table_put(&t->by_pair, tok__pair(left, right), t->n_merges, result);
    t->merges[t->n_merges++] = (struct tok_merge){left, right, result};
    return 0;
}

int tok__add_special(struct tokenizer *t, struct str content, int32_t id, bool special,
                     bool normalized)
{
    /* An added token may also stand in the vocabulary under the same id (GPT-2's <|endoftext|>
     * does). */
    if (id < t->n_tokens && t->token[id].s ? !str_eq(t->token[id], content)
                                           : place(t, id, content) < 0)
        return -EEXIST;
    t->added = xrealloc(t->added, (size_t)t->n_added + 1, sizeof *t->added);
    t->added[t->n_added++] = (struct tok_added){t->token[id], id, special, normalized};
    t->added_first[(unsigned char)content.s[0]] = true;
    t->is_added[id] = true;
    return 0;
}

static void merge_piece(const struct tokenizer *t, struct str piece, struct ids *out);

int tok__finish(struct tokenizer *t, struct err *err)
{
    for (int b = 0; b < 256; b++) {
        char c = (char)b;
        t->byte_id[b] = tok__find(t, str_make(&c, 1));
        if (t->byte_id[b] < 0)
            return err_set(err, -EINVAL, "the vocabulary has no token for byte 0x%02x", b);
    }
    t->whole = xcalloc((size_t)t->n_tokens, sizeof *t->whole);
    struct ids ids = {0};
    for (int id = 0; id < t->n_tokens; id++) {
        if (!t->token[id].s || t->is_added[id])
            continue;
        ids.n = 0;
        merge_piece(t, t->token[id], &ids);
        t->whole[id] = t->ignore_merges || (ids.n == 1 && ids.v[0] == id);
    }
    free(ids.v);
    return 0;
}

void tok_free(struct tokenizer *t)
{
    if (!t)
        return;
    tok__pre_free(t->pre);
    json_decref(t->config);
    buf_free(&t->file);
    buf_free(&t->config_file);
    buf_free(&t->chat_file);
    free(t->by_bytes.v);
    free(t->by_pair.v);
    free(t->merges);
    free(t->added);
    free(t->token);
    free(t->whole);
    free(t->is_added);
    free(t->pattern);
    arena_free(&t->arena);
    free(t);
}

int tok_vocab(const struct tokenizer *t)
{
    return t->n_tokens;
}

int32_t tok_special(const struct tokenizer *t, const char *name)
{
    for (int i = 0; i < t->n_added; i++)
        if (str_eq(t->added[i].content, str_of(name)))
            return t->added[i].id;
    return -1;
}

/* ---- encoding ------------------------------------------------------------------------------- */

static void ids_add(struct ids *out, int32_t id)
{
    if (out->n == out->cap) {
        CHECK(out->cap < (1 << 30));
        out->cap = out->cap ? out->cap * 2 : 64;
        out->v = xrealloc(out->v, (size_t)out->cap, sizeof *out->v);
    }
    out->v[out->n++] = id;
}

/* One symbol of the piece being merged, in a doubly linked list by index; id < 0: merged away. */
struct symbol {
    int32_t id, prev, next;
};

/* A merge that may be done: valid while the two ids are still there. */
struct candidate {
    int32_t rank, at, left, right, result;
};

struct merger {
    const struct tokenizer *t;
    struct symbol *sym;
    struct candidate *heap; /* least (rank, at) first */
    int n_heap;
};

static bool candidate_less(const struct candidate *a, const struct candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void heap_push(struct merger *m, int32_t at)
{
    int32_t next = at >= 0 ? m->sym[at].next : -1;
    if (next < 0)
        return;
    const struct tok_slot *s = pair_find(m->t, m->sym[at].id, m->sym[next].id);
    if (!s)
        return;
    struct candidate c = {s->value, at, m->sym[at].id, m->sym[next].id, s->result};
    int i = m->n_heap++;
    for (; i > 0 && candidate_less(&c, &m->heap[(i - 1) / 2]); i = (i - 1) / 2)
        m->heap[i] = m->heap[(i - 1) / 2];
    m->heap[i] = c;
}

static struct candidate heap_pop(struct merger *m)
{
    struct candidate top = m->heap[0], last = m->heap[--m->n_heap];
    int i = 0, child;
    for (; (child = 2 * i + 1) < m->n_heap; i = child) {
        if (child + 1 < m->n_heap && candidate_less(&m->heap[child + 1], &m->heap[child]))
            child++;
        if (!candidate_less(&m->heap[child], &last))
            break;
        m->heap[i] = m->heap[child];
    }
    m->heap[i] = last;
    return top;
}

static void merge_piece(const struct tokenizer *t, struct str piece, struct ids *out)
{
    enum { SMALL = 64 };
    struct symbol small_sym[SMALL];
    struct candidate small_heap[3 * SMALL];
    size_t n = piece.len;
    CHECK(n > 0 && n < INT32_MAX / 4);
    struct merger m = {.t = t, .sym = small_sym, .heap = small_heap};
    if (n > SMALL) { /* each merge adds at most two candidates to the first n - 1 */
        m.sym = xcalloc(n, sizeof *m.sym);
        m.heap = xcalloc(3 * n, sizeof *m.heap);
    }
    for (size_t i = 0; i < n; i++)
        m.sym[i] = (struct symbol){t->byte_id[(unsigned char)piece.s[i]], (int32_t)i - 1,
                                   i + 1 < n ? (int32_t)i + 1 : -1};
    for (size_t i = 0; i + 1 < n; i++)
        heap_push(&m, (int32_t)i);
    while (m.n_heap) {
        struct candidate c = heap_pop(&m);
        struct symbol *left = &m.sym[c.at];
        if (left->id != c.left || left->next < 0 || m.sym[left->next].id != c.right)
            continue;
        struct symbol *right = &m.sym[left->next];
        left->id = c.result;
        left->next = right->next;
        right->id = -1;
        if (left->next >= 0)
            m.sym[left->next].prev = c.at;
        heap_push(&m, left->prev);
        heap_push(&m, c.at);
    }
    for (int32_t i = 0; i >= 0; i = m.sym[i].next)
        ids_add(out, m.sym[i].id);
    if (m.sym != small_sym) {
        free(m.sym);
        free(m.heap);
    }
}

struct encoding {
    const struct tokenizer *t;
    struct ids *out;
};

static void encode_piece(void *ctx, struct str piece)
{
    struct encoding *e = ctx;
    int32_t id = tok__find(e->t, piece);
    if (id >= 0 && e->t->whole[id])
        ids_add(e->out, id);
    else
        merge_piece(e->t, piece, e->out);
}

static void encode_plain(struct encoding *e, struct str text)
{
    tok__pre_split(e->t->pre, text, encode_piece, e);
}

/* Normalises each valid run of UTF-8; bytes that are none pass as they are. */
static void encode_nfc(struct encoding *e, struct str text)
{
    struct buf normal = {0};
    while (text.len) {
        size_t n = utf8_prefix(text);
        utf8proc_uint8_t *mapped = NULL;
        utf8proc_ssize_t len = -1;
        if (n)
            len = utf8proc_map((const utf8proc_uint8_t *)text.s, (utf8proc_ssize_t)n, &mapped,
                               UTF8PROC_STABLE | UTF8PROC_COMPOSE);
        if (len >= 0)
            buf_add(&normal, mapped, (size_t)len);
        else
            buf_add(&normal, text.s, n ? n : (n = 1));
        free(mapped);
        text = str_from(text, n);
    }
    encode_plain(e, buf_view(&normal));
    buf_free(&normal);
}

static bool all_ascii(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.s[i] >= 0x80)
            return false;
    return true;
}

static void encode_between(struct encoding *e, struct str text)
{
    if (!text.len)
        return;
    if (e->t->nfc && !all_ascii(text))
        encode_nfc(e, text);
    else
        encode_plain(e, text);
}

/* The longest added token at the start of text, or NULL. */
static const struct tok_added *added_at(const struct tokenizer *t, struct str text,
                                        bool allow_special)
{
    const struct tok_added *best = NULL;
    for (int i = 0; i < t->n_added; i++) {
        const struct tok_added *a = &t->added[i];
        if ((allow_special || !a->special) && str_starts(text, a->content) &&
            (!best || a->content.len > best->content.len))
            best = a;
    }
    return best;
}

void tok_encode(const struct tokenizer *t, struct str text, bool allow_special, struct ids *out)
{
    struct encoding e = {t, out};
    size_t done = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!t->added_first[(unsigned char)text.s[i]])
            continue;
        const struct tok_added *a = added_at(t, str_from(text, i), allow_special);
        if (!a)
            continue;
        encode_between(&e, str_make(text.s + done, i - done));
        ids_add(out, a->id);
        done = i + a->content.len;
        i = done - 1;
    }
    encode_between(&e, str_from(text, done));
}

void tok_decode(const struct tokenizer *t, const int32_t *ids, int n, bool keep_special,
                struct buf *out)
{
    buf_reserve(out, (size_t)(n > 0 ? n : 0) * 3);
    for (int i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] >= t->n_tokens || !t->token[ids[i]].s)
            continue;
        bool special = false;
        for (int k = 0; t->is_added[ids[i]] && k < t->n_added; k++)
            special |= t->added[k].id == ids[i] && t->added[k].special;
        if (keep_special || !special)
            buf_str(out, t->token[ids[i]]);
    }
}
