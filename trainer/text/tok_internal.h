/* tok_internal.h: what the files of trainer/text share. */
#ifndef ASSAY_TOK_INTERNAL_H
#define ASSAY_TOK_INTERNAL_H

#include <jansson.h>

#include "base/arena.h"
#include "trainer/text/tokenizer.h"

enum { TOK_VOCAB_MAX = 1 << 22 };

/* ---- pretokenize.c: text to pieces that merges never cross ---------------------------------- */
struct tok_pre;
typedef void (*tok_piece)(void *ctx, struct str piece);

/* GPT-2's own pattern, which ByteLevel{use_regex: true} stands for. */
extern const char TOK_PATTERN_GPT2[];

int tok__pre_new(const char *pattern, struct tok_pre **ret, struct err *err);
void tok__pre_free(struct tok_pre *p);
/* Calls piece for every piece, in order, leaving out no byte. Invalid UTF-8 comes byte by byte. */
void tok__pre_split(const struct tok_pre *p, struct str text, tok_piece piece, void *ctx);

/* ---- the tokenizer -------------------------------------------------------------------------- */

/* Open addressing; a slot is free when value < 0. The caller compares keys. */
struct tok_slot {
    uint64_t key;
    int32_t value, result;
};

struct tok_table {
    struct tok_slot *v;
    uint32_t mask;
    int n;
};

struct tok_merge {
    int32_t left, right, result;
};

/* A token matched in the raw text, before the pattern. */
struct tok_added {
    struct str content;
    int32_t id;
    bool special, normalized;
};

struct tokenizer {
    struct arena arena;
    struct str *token; /* bytes of each id; .s NULL: a hole */
    bool *whole; /* merging these bytes gives this very id: a piece equal to it needs no merging */
    bool *is_added;
    int n_tokens, cap_tokens;
    int32_t byte_id[256];
    struct tok_merge *merges; /* by rank */
    int n_merges, cap_merges;
    struct tok_table by_bytes; /* hash of bytes -> id, first of equal hashes probed linearly */
    struct tok_table by_pair;  /* left << 32 | right -> rank, result */
    struct tok_added *added;
    int n_added;
    bool added_first[256]; /* some added token starts with this byte */
    char *pattern;
    struct tok_pre *pre;
    bool nfc;
    bool ignore_merges; /* a piece that is a token is that token, whatever the merges say */
    struct buf file, config_file, chat_file; /* what tok_load read, written back as it is */
    json_t *config;                          /* tokenizer_config.json, NULL if none */
};

struct tokenizer *tok__new(void);
int tok__set_pattern(struct tokenizer *t, const char *pattern, struct err *err);
/* Places bytes at id; -EEXIST when the id is taken. */
int tok__put(struct tokenizer *t, int32_t id, struct str bytes);
int32_t tok__find(const struct tokenizer *t, struct str bytes); /* -1 */
/* Appends the next merge by rank. -ENOENT when left+right is no token. */
int tok__merge(struct tokenizer *t, int32_t left, int32_t right);
int tok__add_special(struct tokenizer *t, struct str content, int32_t id, bool special,
                     bool normalized);
/* After the last token and merge. -EINVAL naming a byte that has no token. */
int tok__finish(struct tokenizer *t, struct err *err);

/* Reads the text of a tokenizer.json; `name` stands for the file in messages. */
int tok__parse(const char *name, struct str text, struct tokenizer **ret, struct err *err);

/* Hash of bytes, and of a pair; never used across files or runs. */
uint64_t tok__hash(struct str bytes);
static inline uint64_t tok__pair(int32_t left, int32_t right)
{
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}
static inline uint64_t tok__mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    return x ^ x >> 32;
}

#endif
