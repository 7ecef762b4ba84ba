/* stdio.h: what the readers of stdin-style formats (and of the function calls that the same sets
 * mix in) share. Private to this folder. */
#ifndef ASSAY_PROBLEM_STDIO_H
#define ASSAY_PROBLEM_STDIO_H

#include "readers.h"

/* The reader of an object in one of these formats, or NULL. */
prb_reader prb_stdio_reader(const json_t *object);

bool prb_is_apps(const json_t *object);
bool prb_is_codecontests(const json_t *object);
bool prb_is_livecodebench(const json_t *object);
bool prb_is_openr1(const json_t *object);
bool prb_is_codeforces(const json_t *object);
bool prb_is_primeintellect(const json_t *object);
bool prb_is_commonoj(const json_t *object);
int prb_read_apps(const json_t *object, const struct where *w, struct problem *ret,
                  struct err *err);
int prb_read_codecontests(const json_t *object, const struct where *w, struct problem *ret,
                          struct err *err);
int prb_read_livecodebench(const json_t *object, const struct where *w, struct problem *ret,
                           struct err *err);
int prb_read_openr1(const json_t *object, const struct where *w, struct problem *ret,
                    struct err *err);
int prb_read_codeforces(const json_t *object, const struct where *w, struct problem *ret,
                        struct err *err);
int prb_read_primeintellect(const json_t *object, const struct where *w, struct problem *ret,
                            struct err *err);
int prb_read_commonoj(const json_t *object, const struct where *w, struct problem *ret,
                      struct err *err);

/* ---- a problem under construction (stdio_build.c) -------------------------------------------- */

struct prb_build {
    const json_t *object; /* for messages */
    const struct where *w;
    struct problem *p;
    struct err *err;
    json_t *stdio, *cases, *checker, *reference; /* owned */
    char *function;                              /* the name that `cases` call, or NULL */
    int wrapped;                                 /* calls whose expected value is a list of one */
};

void prb_build_begin(struct prb_build *b, const json_t *object, const struct where *w,
                     struct problem *p, struct err *err);

/* Ends with prb_finish if `rc` is 0, and releases everything. Returns the code. */
int prb_build_end(struct prb_build *b, int rc);

/* "file:line: text" for `key` of the object; -EINVAL. */
__attribute__((format(printf, 3, 4))) int prb_build_fail(struct prb_build *b, const char *key,
                                                         const char *fmt, ...);

/* Texts of the object that the model sees; some, but not all, may be missing or empty. */
int prb_build_prompt(struct prb_build *b, const char *const *keys, size_t n);

/* One test of a whole program: texts, or lists of lines. `key` and `i` are for messages, `group`
 * may be NULL. */
int prb_build_stdio(struct prb_build *b, const json_t *input, const json_t *output, const char *key,
                    size_t i, const char *group);

/* One call of b->function: `args` is a list, or text with one JSON value a line; `expected` is a
 * value, or, where `args` is text, JSON text. */
int prb_build_call(struct prb_build *b, const json_t *args, const json_t *expected, const char *key,
                   size_t i, const char *group);

/* A list of {"input", "output", "type"?, "fn_name"?}. */
int prb_build_rows(struct prb_build *b, const json_t *rows, const char *key, const char *group);

/* {"inputs": [...], "outputs": [...], "fn_name"?}. */
int prb_build_columns(struct prb_build *b, const json_t *columns, const char *key);

/* The name that calls use from here on. Fails if it is no name, or another one than before. */
int prb_build_function(struct prb_build *b, const char *name, const char *key);

/* object[key], be it the value itself or JSON text of it: a new reference. NULL: *b->err is
 * filled. */
json_t *prb_build_value(struct prb_build *b, const char *key);

/* JSON text as a value, integers of any size included. NULL if it is none. */
json_t *prb_json_of(const json_t *text);

/* Accepted programs: the first is the reference, some of the others must agree with it. Texts
 * may be fenced; what is no text is passed over. */
void prb_build_solutions(struct prb_build *b, const json_t *sources);

/* The authors' time limit is meant for compiled languages, and their memory limit for programs
 * without an interpreter: twice the one, at least 4 s; the other, at least the default. */
void prb_build_seconds(struct prb_build *b, double seconds);
void prb_build_bytes(struct prb_build *b, double bytes);

/* `python3` and the like; null is Python too. */
bool prb_is_python(const char *language);

/* ---- packed data (unpack.c, pickle.c) -------------------------------------------------------- */

enum { PRB_UNPACKED_BYTES_MAX = 256 << 20 };

/* base64, then zlib. */
int prb_unpack(struct str base64, size_t bytes_max, struct buf *ret, struct err *err);

/* A pickle of plain data as JSON (bytes and tuples become strings and lists). */
json_t *prb_unpickle(struct str bytes, struct err *err);

#endif
