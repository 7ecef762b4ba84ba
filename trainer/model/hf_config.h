/* hf_config.h: the configuration of a model as Hugging Face's config.json, and back. */
#ifndef ASSAY_HF_CONFIG_H
#define ASSAY_HF_CONFIG_H

#include <jansson.h>

#include "trainer/model/model.h"

/* The object in a JSON file; free with json_decref. */
int hf_read_json(const char *path, json_t **ret, struct err *err);
/* From DIR/config.json, and generation_config.json for what ends a text. */
int hf_config_read(const char *dir, struct model_config *ret, struct err *err);
/* From the parsed config.json; `path` stands for it in messages. */
int hf_config_parse(const char *path, const json_t *config, struct model_config *ret,
                    struct err *err);
/* Writes both files. `config` is NULL or the text of a config.json, whose keys stay but for those that
 * the model's own numbers replace; `generation`, if not NULL, is written as it is. */
int hf_config_write(const struct model_config *c, bool bf16, const char *config,
                    const char *generation, const char *dir, struct err *err);

#endif
