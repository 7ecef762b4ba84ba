/* helper.h: one child process of the verifier, and the frames of wire.h to and from it. */
#ifndef ASSAY_HELPER_H
#define ASSAY_HELPER_H

#include <uv.h>

#include "base/err.h"
#include "base/str.h"

struct helper;

/* Called from the loop. After `gone`, or after helper_stop, no more calls come. */
struct helper_events {
    void (*frame)(void *ctx, unsigned type, uint32_t seq, struct str payload);
    /* It died, or spoke nonsense; the owner must still helper_stop it. `killed`: by SIGKILL, which
     * is never its own doing. */
    void (*gone)(void *ctx, const char *why, bool killed);
};

struct helper_spec {
    const char *program; /* "assay-judge": found beside this program */
    bool frames;         /* stdin and stdout carry frames; otherwise both are /dev/null */
    int fd3;             /* the child's descriptor 3, or -1. Stays open here */
    const struct helper_events *events;
    void *ctx;
};

/* NULL with *err when the process could not be made. */
struct helper *helper_start(uv_loop_t *loop, const struct helper_spec *spec, struct err *err);

/* Queues one frame. Takes the bytes of `payload`. */
void helper_send(struct helper *h, unsigned type, uint32_t seq, struct buf *payload);

/* Kills it. The memory goes once the process is reaped and the handles are closed, while the loop
 * runs on. */
void helper_stop(struct helper *h);

/* The same for one that is about to end by itself, such as a keeper whose judge was stopped: it is
 * killed only if it lingers. Its CPU time, and that of its guests, then counts as ours. */
void helper_dismiss(struct helper *h);

/* The folder of the helpers: the one that this program lies in, unless a test names another. */
const char *helper_folder(void);

/* More folders of Python packages (colons between) and modules to import beforehand (commas):
 * interpreter.h. For helpers started from now on. */
void helper_set_python(const char *path, const char *preload);
/* Both in one text, "" where none was set. */
const char *helper_python(void);
void helper_set_folder(const char *path);

#endif
