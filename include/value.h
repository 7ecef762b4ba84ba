/* value.h: Python objects to bytes and back, in C, on both sides of the guest's socket (sandbox/value*.c).
 *
 * The encoder trusts nothing an object says about itself: it reads the exact type, or for a subclass of a plain type the
 * value stored in the base (PyLong/PyFloat/PyList_GET_ITEM ..., never a method of the object). Whatever is not plain data goes
 * through `hook`. Depth, node count and bytes are capped on both sides, and a container that occurs twice in one message is
 * written once and counted twice, so that aliasing survives and a small message is never a vast tree. Tags: wire.h enum
 * value_tag. */
#ifndef ASSAY_VALUE_H
#define ASSAY_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

typedef struct _object PyObject;

enum { VALUE_DEPTH_MAX = 200, VALUE_NODES_MAX = 4 << 20 };

struct value_writer; /* a message being written; for hooks */

/* An object of the sender's (or, coming home, the reader's) that is no value. */
struct value_foreign {
    uint8_t tag; /* VALUE_HANDLE: an object of the guest; VALUE_CALLABLE: of the judge */
    uint8_t flags;
    uint32_t number;
    PyObject *about; /* borrowed: a value that describes it, or None */
};

struct value_hook {
    /* How to write an object that is not plain data: value_put_foreign() and return its result, or a negative errno. */
    int (*encode)(void *ctx, PyObject *object, struct value_writer *w);
    /* New reference, NULL with a Python error set. */
    PyObject *(*decode)(void *ctx, const struct value_foreign *what);
    /* The reader's class for an exception class of the sender's (`theirs`, as decoded). New reference. */
    PyObject *(*exception_class)(void *ctx, PyObject *theirs, PyObject *module, PyObject *name,
                                 PyObject *bases);
    /* The reader's own tuple class of that name, for a named tuple with these fields; NULL without an error: there is none. */
    PyObject *(*tuple_class)(void *ctx, PyObject *name, PyObject *fields);
    bool
        is_judge; /* takes only types of data and exceptions by name, and sends any builtin; a guest the other way round */
    void *ctx;
};

/* The containers of one message by number, in the order of their first occurrence: what references in it, and in answers
 * to it, mean. Zeroed to begin with. */
struct value_memo {
    PyObject **objects; /* owned; NULL while one is being read */
    uint32_t *sizes;    /* nodes of each as a tree; 0 while it is being written or read */
    uint32_t *slots;    /* hash table over the addresses, for writing */
    uint32_t n, cap, n_slots, n_hashed;
    /* Remembers none: a container is written wherever it occurs, and a reference is refused. */
    bool flat;
};
void value_memo_free(struct value_memo *memo);

/* Once per process, GIL held: imports decimal, fractions, datetime types. 0, or -1 with a Python error set. */
int value_init(void);

/* Appends the encoding of `object`. 0; -ELOOP too deep; -E2BIG too many nodes or bytes (> bytes_max); -ENOMEM; -EINVAL the hook is
 * NULL or refused. No Python error is left set. On failure `out` may hold a partial value: the caller truncates it. */
int value_encode(PyObject *object, const struct value_hook *hook, size_t bytes_max,
                 struct buf *out);

/* Decodes one value from *at .. end and advances *at. New reference; NULL with errno-like *ret_code (negative) on malformed bytes. */
PyObject *value_decode(const uint8_t **at, const uint8_t *end, const struct value_hook *hook,
                       int *ret_code);

/* The same with a memo: what it holds already is written as references to it, what is new is added. */
int value_encode_with(struct value_memo *memo, PyObject *object, const struct value_hook *hook,
                      size_t bytes_max, struct buf *out);
PyObject *value_decode_with(struct value_memo *memo, const uint8_t **at, const uint8_t *end,
                            const struct value_hook *hook, int *ret_code);

/* The present contents of all containers of `memo`, for the other side to bring its own up to date. Errors as value_encode.
 * `memo` comes back as it was. */
int value_encode_contents(struct value_memo *memo, const struct value_hook *hook, size_t bytes_max,
                          struct buf *out);

/* As value_encode_contents, if anything that `root` reaches is not as it was when `before` was decoded from or encoded to
 * (value_fingerprint): 1; otherwise 0. */
int value_encode_changes(struct value_memo *memo, PyObject *root, struct str before,
                         const struct value_hook *hook, size_t bytes_max, struct buf *out);

/* An encoding in which objects without a value are their addresses. Of a message without such objects it is the message. */
void value_fingerprint(struct value_memo *memo, PyObject *root, struct buf *out);

/* Brings the containers of `memo` up to date, in place, all or (where the bytes are malformed) none. 0 or negative. */
int value_decode_contents(struct value_memo *memo, const uint8_t **at, const uint8_t *end,
                          const struct value_hook *hook, int *ret_code);

/* For hooks: writes a foreign object; `about` may be NULL. */
int value_put_foreign(struct value_writer *w, uint8_t tag, uint32_t number, uint8_t flags,
                      PyObject *about);

/* The attribute by which an exception or exception class made here remembers what it stands for on the other side. */
#define VALUE_OTHER_SELF "__assay_other_self__"
/* And by which an exception made here remembers what str() of it says there. */
#define VALUE_MESSAGE "__assay_message__"

/* Whether `object` is Python's own of the name that it has there (int, len, ...). */
bool value_is_builtin(PyObject *object);

#endif
