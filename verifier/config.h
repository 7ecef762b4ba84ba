/* config.h: the configuration file of the commands that run programs (--config FILE). */
#ifndef ASSAY_CONFIG_H
#define ASSAY_CONFIG_H

#include <argp.h>

#include "base/err.h"

/* Reads FILE and sets what helpers are started with from then on:
 *
 *   python:
 *     path: [/usr/lib/python3/dist-packages]   folders of packages, read-only in guest and judge
 *     preload: [numpy]                         imported once, before the first program
 *
 * Errors name file, line and key; nothing is set then. */
int config_load(const char *file, struct err *err);

/* The modules to import beforehand, by index; NULL past the last. */
const char *config_preload(int i);

/* --config FILE as a child of a command's own parser; a bad file ends the program. */
extern const struct argp_child config_option[];

#endif
