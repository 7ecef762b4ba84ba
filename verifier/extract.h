/* extract.h: from a model's reply, any bytes at all, to the program that is graded. */
#ifndef ASSAY_EXTRACT_H
#define ASSAY_EXTRACT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

struct extraction {
    struct str code; /* lines end in \n; lives in the arena; valid UTF-8, no NUL bytes */
    const char
        *rule;      /* static: "last-python-fence", "whole-text", ...; the verdict's `extraction` */
    struct str tag; /* the fence's own tag as written, empty if none */
    bool other_language; /* the only fences were tagged with another language: code is that text */
};

/* Never fails on any input; the return value is 0. `entry_point` may be NULL. */
int extract_program(struct str response, const char *entry_point, struct arena *a,
                    struct extraction *ret);

#endif
