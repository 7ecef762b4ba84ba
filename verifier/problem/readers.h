/* readers.h: one problem file format, one reader. A reader turns one JSON object, wherever it
 * stood, into a struct problem; problems.c finds the objects and chooses the reader by their
 * keys. Private to this folder. */
#ifndef ASSAY_PROBLEM_READERS_H
#define ASSAY_PROBLEM_READERS_H

#include "base/keys.h"
#include "base/str.h"
#include "problem.h"

/* Fills *ret (zeroed, source and where set by the caller) or fails with "file:line: ...". What
 * it put into *ret on failure is released by the caller with prb_release. */
typedef int (*prb_reader)(const json_t *object, const struct where *w, struct problem *ret,
                          struct err *err);

int prb_read_native(const json_t *object, const struct where *w, struct problem *ret,
                    struct err *err);
int prb_read_humaneval(const json_t *object, const struct where *w, struct problem *ret,
                       struct err *err);
int prb_read_mbpp(const json_t *object, const struct where *w, struct problem *ret,
                  struct err *err);
bool prb_is_humaneval(const json_t *object);
bool prb_is_mbpp(const json_t *object);

/* What a native problem may hold, checked apart from the rest (native_tests.c): cases, stdio,
 * checker, compare. */
int prb_check_tests(const json_t *object, const struct where *w, struct err *err);

/* `object[key]` as a C string, or `fallback` when absent or null. NUL bytes are refused by
 * prb_no_nul before. */
const char *prb_text(const json_t *object, const char *key, const char *fallback);
int prb_no_nul(const json_t *object, const char *key, const struct where *w, struct err *err);

/* What every reader ends with: builds p->suite in judge.h's shape from p's own fields and the
 * given parts (borrowed, each may be NULL), and hashes it into p->key. */
struct prb_tests {
    json_t *cases, *tests, *stdio, *checker, *compare, *timing, *reference;
};
void prb_finish(struct problem *p, const struct prb_tests *tests);

/* FNV-1a, 128 bits, of the value's canonical JSON (sorted keys, no spaces), as 32 hex digits. */
void prb_hash(const json_t *value, char ret_hex[33]);

void prb_release(struct problem *p);

#endif
