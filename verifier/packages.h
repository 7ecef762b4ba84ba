/* packages.h: what of the configured Python packages programs can really import. */
#ifndef ASSAY_PACKAGES_H
#define ASSAY_PACKAGES_H

#include <jansson.h>
#include <stdbool.h>

/* Imports each module that the configuration preloads, in a guest. Prints a line each, or appends
 * {"module", "ok", "detail"} to `list` if there is one. True when all of them can be imported. */
bool packages_report(json_t *list);

#endif
