/* bpe_train.c: learns merges: again and again the most frequent pair of neighbouring tokens becomes
 * a token.
 *
 * Distinct pieces are kept once with their count. Every pair knows its total and the pieces it
 * occurs in; a merge visits only those pieces and corrects the totals of the pairs it breaks and
 * makes. A heap holds (total, pair) entries, some of them stale: one whose total has changed since
 * is put back with the present total. Ties go to the pair whose bytes come first, so the result
 * depends on the texts alone. */
#include <stdlib.h>

#include "trainer/text/tok_internal.h"

/* A distinct piece as its present tokens. */
struct word {
    struct str bytes;
    int32_t *sym;
    int n;
    int64_t count;
};

struct pair {
    int32_t left, right;
    int64_t total;
    int *words; /* pieces that hold or held it, possibly twice */
    int n_words, cap_words;
    bool is_gained;
};

struct entry {
    int64_t total;
    int pair;
};

struct training {
    struct tokenizer *t;
    struct arena arena;
    struct word *words;
    int n_words, cap_words;
    int *word_slot; /* open addressing over words, -1 free */
    uint32_t word_mask;
    struct pair *pairs;
    int n_pairs, cap_pairs;
    int *pair_slot;
    uint32_t pair_mask;
    struct entry *heap;
    int n_heap, cap_heap;
    int *gained; /* pairs whose total grew since push_gained */
    int n_gained, cap_gained;
};

/* Doubles `v` when it is full. */
#define GROW(v, n, cap)                                                                            \
    do {                                                                                           \
        if ((n) == (cap)) {                                                                        \
            (cap) = (cap) ? (cap)*2 : 16;                                                          \
            (v) = xrealloc((v), (size_t)(cap), sizeof *(v));                                       \
        }                                                                                          \
    } while (0)

static int *slots_new(uint32_t size)
{
    int *slot = xcalloc(size, sizeof *slot);
    memset(slot, 0xff, size * sizeof *slot);
    return slot;
}

/* ---- distinct pieces ------------------------------------------------------------------------ */

static void word_rehash(struct training *tr)
{
    uint32_t size = tr->word_slot ? (tr->word_mask + 1) * 2 : 4096;
    free(tr->word_slot);
    tr->word_slot = slots_new(size);
    tr->word_mask = size - 1;
    for (int w = 0; w < tr->n_words; w++) {
        uint32_t i = (uint32_t)tok__hash(tr->words[w].bytes) & tr->word_mask;
        while (tr->word_slot[i] >= 0)
            i = (i + 1) & tr->word_mask;
        tr->word_slot[i] = w;
    }
}

static void count_piece(void *ctx, struct str piece)
{
    struct training *tr = ctx;
    if (!tr->word_slot || (uint32_t)tr->n_words * 2 > tr->word_mask)
        word_rehash(tr);
    uint32_t i = (uint32_t)tok__hash(piece) & tr->word_mask;
    for (; tr->word_slot[i] >= 0; i = (i + 1) & tr->word_mask)
        if (str_eq(tr->words[tr->word_slot[i]].bytes, piece)) {
            tr->words[tr->word_slot[i]].count++;
            return;
        }
    GROW(tr->words, tr->n_words, tr->cap_words);
    struct word *w = &tr->words[tr->n_words];
    *w = (struct word){.bytes = arena_str(&tr->arena, piece), .n = (int)piece.len, .count = 1};
    w->sym = ARENA_ARRAY(&tr->arena, int32_t, piece.len);
    for (size_t k = 0; k < piece.len; k++)
        w->sym[k] = (unsigned char)piece.s[k];
    tr->word_slot[i] = tr->n_words++;
}

/* ---- pairs ---------------------------------------------------------------------------------- */

static uint32_t pair_hash(int32_t left, int32_t right)
{
    return (uint32_t)tok__mix(tok__pair(left, right));
}

static void pair_rehash(struct training *tr)
{
    uint32_t size = tr->pair_slot ? (tr->pair_mask + 1) * 2 : 4096;
    free(tr->pair_slot);
    tr->pair_slot = slots_new(size);
    tr->pair_mask = size - 1;
    for (int p = 0; p < tr->n_pairs; p++) {
        uint32_t i = pair_hash(tr->pairs[p].left, tr->pairs[p].right) & tr->pair_mask;
        while (tr->pair_slot[i] >= 0)
            i = (i + 1) & tr->pair_mask;
        tr->pair_slot[i] = p;
    }
}

static int pair_get(struct training *tr, int32_t left, int32_t right)
{
    if (!tr->pair_slot || (uint32_t)tr->n_pairs * 2 > tr->pair_mask)
        pair_rehash(tr);
    uint32_t i = pair_hash(left, right) & tr->pair_mask;
    for (; tr->pair_slot[i] >= 0; i = (i + 1) & tr->pair_mask) {
        struct pair *p = &tr->pairs[tr->pair_slot[i]];
        if (p->left == left && p->right == right)
            return tr->pair_slot[i];
    }
    GROW(tr->pairs, tr->n_pairs, tr->cap_pairs);
    tr->pairs[tr->n_pairs] = (struct pair){.left = left, .right = right};
    tr->pair_slot[i] = tr->n_pairs;
    return tr->n_pairs++;
}

/* Bytes decide between equal totals: -1, 0, 1. */
static int bytes_order(struct str a, struct str b)
{
    int c = memcmp(a.s, b.s, a.len < b.len ? a.len : b.len);
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

static bool entry_before(const struct training *tr, const struct entry *a, const struct entry *b)
{
    if (a->total != b->total)
        return a->total > b->total;
    const struct pair *p = &tr->pairs[a->pair], *q = &tr->pairs[b->pair];
    int c = bytes_order(tr->t->token[p->left], tr->t->token[q->left]);
    return (c ? c : bytes_order(tr->t->token[p->right], tr->t->token[q->right])) < 0;
}

static void heap_push(struct training *tr, int pair)
{
    GROW(tr->heap, tr->n_heap, tr->cap_heap);
    struct entry e = {tr->pairs[pair].total, pair};
    int i = tr->n_heap++;
    for (; i > 0 && entry_before(tr, &e, &tr->heap[(i - 1) / 2]); i = (i - 1) / 2)
        tr->heap[i] = tr->heap[(i - 1) / 2];
    tr->heap[i] = e;
}

static struct entry heap_pop(struct training *tr)
{
    struct entry top = tr->heap[0], last = tr->heap[--tr->n_heap];
    int i = 0, child;
    for (; (child = 2 * i + 1) < tr->n_heap; i = child) {
        if (child + 1 < tr->n_heap && entry_before(tr, &tr->heap[child + 1], &tr->heap[child]))
            child++;
        if (!entry_before(tr, &tr->heap[child], &last))
            break;
        tr->heap[i] = tr->heap[child];
    }
    tr->heap[i] = last;
    return top;
}

/* `count` more (or, negative, fewer) occurrences in `word`. A pair that gained is remembered in
 * `gained`. */
static void pair_add(struct training *tr, int32_t left, int32_t right, int64_t count, int word)
{
    int at = pair_get(tr, left, right);
    struct pair *p = &tr->pairs[at];
    p->total += count;
    if (count < 0 || (p->n_words && p->words[p->n_words - 1] == word))
        return;
    GROW(p->words, p->n_words, p->cap_words);
    p->words[p->n_words++] = word;
    if (!p->is_gained) {
        p->is_gained = true;
        GROW(tr->gained, tr->n_gained, tr->cap_gained);
        tr->gained[tr->n_gained++] = at;
    }
}

static void push_gained(struct training *tr)
{
    for (int i = 0; i < tr->n_gained; i++) {
        tr->pairs[tr->gained[i]].is_gained = false;
        heap_push(tr, tr->gained[i]);
    }
    tr->n_gained = 0;
}

/* ---- merging -------------------------------------------------------------------------------- */

/* Replaces left, right by `result` in one piece. Totals are corrected for the pairs around each
 * place; the pair itself keeps its stale total, which is set to zero afterwards. */
static void merge_word(struct training *tr, int word, int32_t left, int32_t right, int32_t result)
{
    struct word *w = &tr->words[word];
    int n = 0;
    for (int i = 0; i < w->n; i++) {
        if (i + 1 >= w->n || w->sym[i] != left || w->sym[i + 1] != right) {
            w->sym[n++] = w->sym[i];
            continue;
        }
        if (n > 0) {
            pair_add(tr, w->sym[n - 1], left, -w->count, word);
            pair_add(tr, w->sym[n - 1], result, w->count, word);
        }
        /* A place that follows at once is seen, and corrected, from its own left side. */
        if (i + 2 < w->n) {
            pair_add(tr, right, w->sym[i + 2], -w->count, word);
            pair_add(tr, result, w->sym[i + 2], w->count, word);
        }
        w->sym[n++] = result;
        i++;
    }
    w->n = n;
}

static int32_t joined_id(struct training *tr, int32_t left, int32_t right)
{
    struct buf both = {0};
    buf_str(&both, tr->t->token[left]);
    buf_str(&both, tr->t->token[right]);
    int32_t id = tok__find(tr->t, buf_view(&both));
    if (id < 0) {
        id = tr->t->n_tokens;
        CHECK(tok__put(tr->t, id, buf_view(&both)) == 0);
    }
    buf_free(&both);
    return id;
}

/* Merges the pair everywhere; it then occurs nowhere. */
static void merge_pair(struct training *tr, int at)
{
    struct pair p = tr->pairs[at];
    tr->pairs[at].words = NULL;
    tr->pairs[at].n_words = tr->pairs[at].cap_words = 0;
    int32_t result = joined_id(tr, p.left, p.right);
    CHECK(tok__merge(tr->t, p.left, p.right) == 0);
    for (int i = 0; i < p.n_words; i++)
        merge_word(tr, p.words[i], p.left, p.right, result);
    tr->pairs[at].total = 0;
    free(p.words);
}

static void learn(struct training *tr, int n_tokens)
{
    for (int w = 0; w < tr->n_words; w++)
        for (int i = 0; i + 1 < tr->words[w].n; i++)
            pair_add(tr, tr->words[w].sym[i], tr->words[w].sym[i + 1], tr->words[w].count, w);
    push_gained(tr);
    while (tr->n_heap && tr->t->n_tokens < n_tokens) {
        struct entry e = heap_pop(tr);
        int64_t total = tr->pairs[e.pair].total;
        if (e.total > total && total > 1)
            heap_push(tr, e.pair);
        if (e.total != total) /* an entry of a total that has grown since has a successor already */
            continue;
        if (total < 2) /* what occurs once teaches nothing */
            break;
        merge_pair(tr, e.pair);
        push_gained(tr);
    }
}

static void training_free(struct training *tr)
{
    for (int p = 0; p < tr->n_pairs; p++)
        free(tr->pairs[p].words);
    free(tr->pairs);
    free(tr->pair_slot);
    free(tr->words);
    free(tr->word_slot);
    free(tr->heap);
    free(tr->gained);
    arena_free(&tr->arena);
}

int tok_train(const struct str *texts, int n_texts, int vocab, const char *pattern,
              const char *const *specials, int n_specials, struct tokenizer **ret, struct err *err)
{
    if (vocab < 256 + n_specials || vocab > TOK_VOCAB_MAX)
        return err_set(
            err, -EINVAL,
            "a vocabulary of %d does not fit 256 bytes and %d special tokens (at most %d)", vocab,
            n_specials, TOK_VOCAB_MAX);
    struct training tr = {.t = tok__new()};
    int rc = tok__set_pattern(tr.t, pattern ? pattern : TOK_PATTERN_CODE, err);
    for (int b = 0; rc == 0 && b < 256; b++) {
        char c = (char)b;
        CHECK(tok__put(tr.t, b, str_make(&c, 1)) == 0);
    }
    for (int i = 0; rc == 0 && i < n_texts; i++)
        tok__pre_split(tr.t->pre, texts[i], count_piece, &tr);
    if (rc == 0)
        learn(&tr, vocab - n_specials);
    for (int i = 0; rc == 0 && i < n_specials; i++)
        if (!*specials[i] || tok_special(tr.t, specials[i]) >= 0 ||
            tok__add_special(tr.t, str_of(specials[i]), tr.t->n_tokens, true, false) < 0)
            rc = err_set(err, -EINVAL, "special token %d (`%.60s`) is empty or given twice", i,
                         specials[i]);
    if (rc == 0)
        rc = tok__finish(tr.t, err);
    training_free(&tr);
    if (rc < 0)
        tok_free(tr.t);
    else
        *ret = tr.t;
    return rc;
}
