/* Any bytes as a tokenizer.json: refused with a message, or a tokenizer whose encoding loses
 * nothing. */
#include <stdint.h>
#include <stdlib.h>

#include "trainer/text/tok_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct tokenizer *t;
    struct err err = {0};
    if (tok__parse("fuzz", str_make((const char *)bytes, size), &t, &err) < 0) {
        CHECK(err.text[0]);
        return 0;
    }
    struct ids ids = {0};
    struct buf back = {0};
    struct str text = str_make((const char *)bytes, size < 4096 ? size : 4096);
    tok_encode(t, text, true, &ids);
    tok_decode(t, ids.v, ids.n, true, &back);
    CHECK(t->nfc || str_eq(buf_view(&back), text));
    free(ids.v);
    buf_free(&back);
    tok_free(t);
    return 0;
}
