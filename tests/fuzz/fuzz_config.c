/* Any bytes as the config.json of a model: refused with a message, or a shape that the model takes. */
#include "trainer/model/hf_config.h"

#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model_config c = {0};
    struct err err = {0};
    json_t *root = NULL;
    struct memory_file f = memory_file_make(data, size);
    int rc = hf_read_json(f.path, &root, &err);
    if (rc == 0)
        rc = hf_config_parse(f.path, root, &c, &err);
    if (rc < 0)
        CHECK(err.code < 0 && err.text[0]);
    else
        CHECK(c.vocab > 0 && c.width > 0 && c.layers > 0 && c.heads > 0 && c.head_dim > 0 &&
              c.kv_heads > 0 && c.heads % c.kv_heads == 0);
    json_decref(root);
    close(f.fd);
    return 0;
}
