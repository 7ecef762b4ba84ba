/* Any bytes as what a helper writes to the verifier's loop, arriving in pieces: whole frames are handed out in order and as they
 * were, and after one that is malformed nothing more. The first byte seeds the sizes of the pieces. */
#include "verifier/helper.c"

struct seen {
    struct buf bytes; /* of all frames, header and payload */
    bool gone;
};

static void on_frame(void *ctx, unsigned type, uint32_t seq, struct str payload)
{
    struct seen *s = ctx;
    struct wire_header head = {
        .len = (uint32_t)payload.len, .version = WIRE_VERSION, .type = (uint8_t)type, .seq = seq};
    CHECK(!s->gone);
    buf_add(&s->bytes, &head, sizeof head);
    buf_str(&s->bytes, payload);
}

static void on_gone(void *ctx, const char *why, bool killed)
{
    struct seen *s = ctx;
    CHECK(!s->gone && why[0] && !killed);
    s->gone = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen seen = {0};
    struct helper h = {.magic = HELPER_MAGIC, .events = {on_frame, on_gone}, .ctx = &seen};
    size_t at = size > 0;
    unsigned step = size ? data[0] : 0;
    while (at < size && !seen.gone) {
        size_t n = 1 + step % 64;
        n = n < size - at ? n : size - at;
        step = step * 1103515245 + 12345;
        buf_add(&h.in, data + at, n);
        at += n;
        take_frames(&h);
    }
    CHECK(seen.bytes.len <= size);
    CHECK(seen.bytes.len == 0 || memcmp(seen.bytes.s, data + 1, seen.bytes.len) == 0);
    CHECK(seen.gone || seen.bytes.len + h.in.len + 1 >= at);
    buf_free(&seen.bytes);
    buf_free(&h.in);
    return 0;
}
