/* Any bytes as a safetensors file: refused with a message, or tensors that lie inside the bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"
#include "trainer/model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct safetensors st;
    struct err err = {0};
    if (st_parse("fuzz", bytes, size, &st, &err) < 0) {
        CHECK(err.text[0]);
        return 0;
    }
    for (int i = 0; i < st.n; i++) {
        const struct st_tensor *t = &st.v[i];
        CHECK(t->bytes >= bytes && t->n_bytes <= size && t->bytes + t->n_bytes <= bytes + size);
        float *values = xcalloc(t->count, sizeof *values);
        (void)st_read_f32(t, values);
        free(values);
    }
    st_close(&st);
    return 0;
}
