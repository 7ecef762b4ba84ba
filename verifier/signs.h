/* signs.h: what the text of a reply has in common with known attempts to cheat a grader. */
#ifndef ASSAY_SIGNS_H
#define ASSAY_SIGNS_H

#include "base/str.h"

enum { SIGNS_MAX = 16 };

/* One bit for each sign that the text shows. Nothing is graded by it: honest programs show some. */
unsigned signs_of(struct str text);

/* The name of sign `i`; NULL past the last. */
const char *signs_name(int i);

#endif
