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
int prb_read_evalplus(const json_t *object, const struct where *w, struct problem *ret,
                      struct err *err);
int prb_read_leetcode(const json_t *object, const struct where *w, struct problem *ret,
                      struct err *err);
int prb_read_bigcodebench(const json_t *object, const struct where *w, struct problem *ret,
                          struct err *err);
int prb_read_kodcode(const json_t *object, const struct where *w, struct problem *ret,
                     struct err *err);
int prb_read_acecode(const json_t *object, const struct where *w, struct problem *ret,
                     struct err *err);
int prb_read_autoeval(const json_t *object, const struct where *w, struct problem *ret,
                      struct err *err);
bool prb_is_humaneval(const json_t *object);
bool prb_is_mbpp(const json_t *object);
bool prb_is_evalplus(const json_t *object);
bool prb_is_leetcode(const json_t *object);
bool prb_is_bigcodebench(const json_t *object);
bool prb_is_kodcode(const json_t *object);
bool prb_is_acecode(const json_t *object);
bool prb_is_autoeval(const json_t *object);

/* Known formats that hold nothing a program could be tested by: the error says what they are. */
int prb_read_unreadable(const json_t *object, const struct where *w, struct problem *ret,
                        struct err *err);
bool prb_is_unreadable(const json_t *object);

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
    json_t *derive;          /* how `expected` comes from the reference, where a case has none */
    const char *framework;   /* "pytest": `tests` is a test module, to be collected and run */
    json_t *modules;         /* names by which `tests` imports the program */
    const char *entry_class; /* the entry point may also be a method of this class */
    bool stop_on_first_failure;
};
void prb_finish(struct problem *p, const struct prb_tests *tests);

/* JSON text with integers of any size: what does not fit 64 bits becomes a PROBLEM_BIG_INTEGER. */
json_t *prb_parse_json(struct str text, size_t flags, json_error_t *je);

/* ---- what foreign formats share (foreign.c) -------------------------------------------------- */

bool prb_has(const json_t *object, const char *const *keys, size_t n);

/* `keys` are strings without NUL bytes, and there. */
int prb_need_texts(const json_t *object, const char *const *keys, size_t n, const struct where *w,
                   struct err *err);

/* A string of the object, or of JSON text in it: `labels` is a string that holds an object. */
json_t *prb_inner(const json_t *object, const char *key);

/* The usual imports in front, the entry point's file as far as its definition as the starter,
 * all of `prompt` as what a completion goes on from. Sets entry_point, prompt, starter, prefix. */
void prb_continue(struct problem *p, const char *prompt, const char *entry);

/* "prefix" + the id, be it text or a number; a hash of the whole object when there is none. */
char *prb_foreign_id(const json_t *object, const char *const *keys, size_t n, const char *prefix);

/* The program of a model's or an author's answer: what stands between its fences, if it has
 * any. */
json_t *prb_unfence(const char *text);

extern const char prb_usual_imports[];

/* FNV-1a, 128 bits, of the value's canonical JSON (sorted keys, no spaces), as 32 hex digits. */
void prb_hash(const json_t *value, char ret_hex[33]);

void prb_release(struct problem *p);

#endif
