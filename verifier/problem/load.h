/* load.h: what one problems_add call carries through files and families. Private to this folder. */
#ifndef ASSAY_PROBLEM_LOAD_H
#define ASSAY_PROBLEM_LOAD_H

#include "readers.h"

struct prb_load {
    struct problem_set *set;
    problem_generate generate;
    void *ctx;
    json_t *params;   /* of the spec, an object */
    bool family_seen; /* some document took the parameters */
};

/* Every problem of one file, or of every problem file below a folder. */
int prb_load_path(struct prb_load *l, const char *path, struct err *err);

/* The same for text that was read already; the format is the name's, or guessed for "<stdin>". */
int prb_load_text(struct prb_load *l, const char *name, struct str text, struct err *err);

/* One object of a file: a problem in any format, or a family. */
int prb_load_object(struct prb_load *l, const json_t *object, const struct where *w,
                    struct err *err);

/* A document with `generate`: runs it with the spec's parameters over its own and adds what it
 * yields. */
int prb_load_family(struct prb_load *l, const json_t *object, const struct where *w,
                    struct err *err);

#endif
