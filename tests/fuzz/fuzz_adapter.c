/* Any bytes as the adapter_config.json of a model: refused with a message, or an adapter of some of
 * its matrices. */
#include "trainer/model/hf_config.h"
#include "trainer/model/lora.h"

#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct model small = {.cfg = {.layers = 1,
                                               .vocab = 4,
                                               .width = 4,
                                               .heads = 1,
                                               .kv_heads = 1,
                                               .head_dim = 4,
                                               .ff = 4}};
    struct err err = {0};
    struct lora *a = NULL;
    json_t *root = NULL;
    struct memory_file f = memory_file_make(data, size);
    int rc = hf_read_json(f.path, &root, &err);
    if (rc == 0)
        rc = lora_parse(f.path, root, &small, &a, &err);
    if (rc < 0)
        CHECK(err.code < 0 && err.text[0]);
    else
        CHECK(a->rank >= 1 && a->targets && a->n_tensors >= 2 && a->n_params >= 8);
    lora_free(a);
    json_decref(root);
    close(f.fd);
    return 0;
}
