/* generate.h: runs the `generate:` source of problem families while problems are loaded, before
 * any grading starts. */
#ifndef ASSAY_GENERATE_H
#define ASSAY_GENERATE_H

#include "problem.h"

/* Adds all specs to `set`. Starts one judge, on a loop of its own, only if some family needs it. */
int generate_load(struct problem_set *set, char *const *specs, int n, struct err *err);

#endif
