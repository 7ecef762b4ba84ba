/* catalog.h: the problems a server grades by. They may be read anew while it runs: what was begun
 * with the old ones is finished with them. */
#ifndef ASSAY_CATALOG_H
#define ASSAY_CATALOG_H

#include "problem.h"

/* Never changed once it is loaded. Counted by one thread only. */
struct catalog {
    struct problem_set set;
    char **names; /* of each source: its file's, without folder and endings */
    long users;
};

/* Reads all specs; may take long where families are generated, and may run in another thread. The
 * caller is the one user. */
int catalog_load(char *const *specs, int n, struct catalog **ret, struct err *err);

/* A catalog of one problem that came with a request, in any format that problem files have.
 * `wall_s` replaces its time limits, 0 keeps them. The text of *err begins with `name`. */
int catalog_of_object(const json_t *object, const char *name, double wall_s, struct catalog **ret,
                      struct err *err);

/* Both take NULL. The last user that drops it frees it. */
struct catalog *catalog_keep(struct catalog *c);
void catalog_drop(struct catalog *c);

/* The number of the source with that name, or -1. */
int catalog_source(const struct catalog *c, const char *name);

#endif
