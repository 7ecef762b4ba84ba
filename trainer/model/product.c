#include "trainer/model/product.h"

const char *const model_compute_names[] = {"f32", "bf16", NULL};

const char *model_compute_what(const struct model *m, const char **ret_refused)
{
    if (m->compute == COMPUTE_BF16)
        return nn_bf16_what(ret_refused);
    if (ret_refused)
        *ret_refused = NULL;
    return "f32";
}
