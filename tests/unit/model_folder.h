/* model_folder.h: a small model's configuration, and a fresh folder for each test to save it in. */
#ifndef TESTS_MODEL_FOLDER_H
#define TESTS_MODEL_FOLDER_H

#include <stdlib.h>

#include "base/file.h"
#include "tests/unit/folder.h"
#include "trainer/model/model.h"

static const struct model_config CONFIG = {.vocab = 50,
                                           .layers = 2,
                                           .width = 16,
                                           .heads = 4,
                                           .kv_heads = 2,
                                           .head_dim = 4,
                                           .ff = 24,
                                           .max_positions = 64,
                                           .rope_theta = 10000,
                                           .norm_eps = 1e-5f,
                                           .tied = true,
                                           .bos_id = -1,
                                           .eos_id = 48,
                                           .pad_id = 49};

static char dir[64];

static inline const char *in_dir(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static inline int make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/assay-model-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_dir(void **state)
{
    (void)state;
    return folder_remove(dir);
}

#endif
