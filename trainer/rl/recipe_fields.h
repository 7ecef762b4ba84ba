/* recipe_fields.h: every key of a recipe, as tables: its type, its place in the struct, its bounds.
 * The same tables check keys, read values and write the resolved recipe, so that no key can be read
 * but not written. */
#ifndef ASSAY_RECIPE_FIELDS_H
#define ASSAY_RECIPE_FIELDS_H

#include <stddef.h>

#include "trainer/rl/recipe.h"

enum { RECIPE_FIELDS_MAX = 64 };

enum field_kind { INT, UINT64, REAL, FLOAT, BOOL, STRING, STRINGS, CHOICE, PAIR, GROUP };

struct field {
    const char *key;
    const char *alias; /* the name Transformers-RL gives it, NULL if none */
    size_t offset;
    double min, max;
    const char *const *names;   /* CHOICE, NULL-terminated */
    const struct field *fields; /* GROUP, ends with key NULL; offsets count from the same struct */
    enum field_kind kind;
    bool required;
};

/* The tables end with a NULL key. A stage's table counts from its own struct, `recipe_stage_offset`
 * into struct recipe_stage. */
extern const char *const RECIPE_STAGE_NAMES[]; /* by enum stage_kind, NULL-terminated */
extern const struct field RECIPE_FIELDS[];
extern const struct field *const RECIPE_STAGE_FIELDS[];
size_t recipe_stage_offset(int kind);

#endif
