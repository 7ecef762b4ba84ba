/* err.h: what a function says when it fails: a negative errno and one sentence for a person.
 * Functions return 0 or the code; `ret_` outputs stay untouched on failure. Messages name file, line and
 * key wherever there are any. A NULL `struct err *` is allowed everywhere: the text is then dropped. */
#ifndef ASSAY_BASE_ERR_H
#define ASSAY_BASE_ERR_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err {
    int code;       /* negative errno, 0 when nothing failed */
    char text[768]; /* one line, no trailing newline */
};

/* Fills *e and returns `code` (negative errno), so that callers can `return err_set(...)`. */
__attribute__((format(printf, 3, 4))) static inline int err_set(struct err *e, int code,
                                                                const char *fmt, ...)
{
    if (e) {
        va_list ap;
        e->code = code;
        va_start(ap, fmt);
        vsnprintf(e->text, sizeof e->text, fmt, ap);
        va_end(ap);
    }
    return code;
}

/* Puts "prefix: " before the text that is already there; returns the code. */
__attribute__((format(printf, 2, 3))) static inline int err_prefix(struct err *e, const char *fmt,
                                                                   ...)
{
    if (!e)
        return -EINVAL;
    char head[256], joined[sizeof e->text + 260];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(head, sizeof head, fmt, ap);
    va_end(ap);
    snprintf(joined, sizeof joined, "%s: %s", head, e->text);
    joined[sizeof e->text - 1] = 0;
    memcpy(e->text, joined, sizeof e->text);
    return e->code;
}

#endif
