/* tokenizer.h: byte-level BPE in the Hugging Face tokenizer.json format: read, write, train,
 * encode, decode. */
#ifndef ASSAY_TOKENIZER_H
#define ASSAY_TOKENIZER_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct tokenizer;

struct ids {
    int32_t *v;
    int n, cap;
};

/* Reads dir/tokenizer.json. */
int tok_load(const char *dir, struct tokenizer **ret, struct err *err);
/* Writes tokenizer.json and tokenizer_config.json, and chat_template.jinja if one was read, below dir (temporary, fsync, rename). */
int tok_save(const struct tokenizer *t, const char *dir, struct err *err);
/* Learns merges from texts until `vocab` entries: 256 bytes, merges, then `specials`, in this
 * order, so that the specials get the last ids; fewer entries when no pair occurs twice any more.
 * `pattern` is the PCRE2/Oniguruma pre-split, NULL for TOK_PATTERN_CODE. Deterministic: ties broken
 * by byte order. */
int tok_train(const struct str *texts, int n_texts, int vocab, const char *pattern,
              const char *const *specials, int n_specials, struct tokenizer **ret, struct err *err);
void tok_free(struct tokenizer *t);

/* Think/answer tags and fences whole, newline with its indentation, words with their leading space,
 * single digits. */
extern const char TOK_PATTERN_CODE[];

int tok_vocab(const struct tokenizer *t);
/* The Jinja text of chat_template.jinja or tokenizer_config.json, NULL: there is none; see chat.h. */
const char *tok_chat_template(const struct tokenizer *t);
int32_t tok_special(const struct tokenizer *t, const char *name); /* -1 when there is none */

/* Appends the ids of text. Any bytes are accepted (invalid UTF-8 is encoded bytewise); special
 * tokens in the text are recognised only with allow_special. Thread-safe for concurrent calls on
 * one tokenizer. */
void tok_encode(const struct tokenizer *t, struct str text, bool allow_special, struct ids *out);
/* Appends the bytes of the ids; specials are skipped unless keep_special; ids out of range are
 * skipped. */
void tok_decode(const struct tokenizer *t, const int32_t *ids, int n, bool keep_special,
                struct buf *out);

#endif
