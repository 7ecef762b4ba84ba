/* Any bytes as a pickle, and, packed, as base64 of zlib of one: plain JSON of bounded size, or a message. */
#include "verifier/problem/stdio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { UNPACKED_BYTES_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct str bytes = str_make((const char *)data, size);
    json_t *made = prb_unpickle(bytes, &err);
    CHECK(made || strncmp(err.text, "pickle: ", 8) == 0);
    if (made) {
        /* No cycle, and not too deep to be written; a value used many times may still be long. */
        char hex[33];
        prb_hash(made, hex);
        json_decref(made);
    }
    struct buf unpacked = {0};
    err = (struct err){0};
    int rc = prb_unpack(bytes, UNPACKED_BYTES_MAX, &unpacked, &err);
    CHECK((rc == 0 && unpacked.len <= UNPACKED_BYTES_MAX) || err.text[0]);
    buf_free(&unpacked);
    return 0;
}
