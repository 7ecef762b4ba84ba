/* unpack.c: base64 and zlib, as data sets pack their larger tests. Bounded: a few kilobytes may
 * claim to be gigabytes. */
#include <zlib.h>

#include "stdio.h"

enum { CHUNK_BYTES = 256 << 10 };

static int digit_of(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

static int from_base64(struct str text, struct buf *ret, struct err *err)
{
    uint32_t bits = 0;
    size_t n = 0, i = 0;
    for (; i < text.len && text.s[i] != '='; i++) {
        int digit = digit_of(text.s[i]);
        if (digit < 0 && memchr(" \t\r\n", text.s[i], 4))
            continue;
        if (digit < 0)
            return err_set(err, -EINVAL, "not base64: a byte %d at %zu", (unsigned char)text.s[i],
                           i);
        bits = bits << 6 | (uint32_t)digit;
        if (++n % 4 != 1)
            buf_char(ret, (char)(bits >> (8 - n % 4 * 2) % 8));
    }
    while (i < text.len && memchr("= \t\r\n", text.s[i], 5))
        i++;
    return i == text.len && n % 4 != 1 ? 0 : err_set(err, -EINVAL, "truncated base64");
}

static int inflate_all(struct str packed, size_t bytes_max, struct buf *ret, struct err *err)
{
    z_stream z = {.next_in = (Bytef *)packed.s, .avail_in = (uInt)packed.len};
    int rc = Z_OK, code = 0;
    if (packed.len > UINT32_MAX || inflateInit(&z) != Z_OK)
        return err_set(err, -EINVAL, "zlib does not start");
    while (rc == Z_OK && code == 0) {
        buf_reserve(ret, CHUNK_BYTES);
        z.next_out = (Bytef *)ret->s + ret->len;
        z.avail_out = CHUNK_BYTES;
        rc = inflate(&z, Z_NO_FLUSH);
        ret->len += CHUNK_BYTES - z.avail_out;
        if (ret->len > bytes_max)
            code = err_set(err, -EFBIG, "more than %zu bytes when unpacked", bytes_max);
    }
    if (code == 0 && rc != Z_STREAM_END)
        code = err_set(err, -EINVAL, "not zlib data: %s", z.msg ? z.msg : "it breaks off");
    else if (code == 0 && z.avail_in)
        code = err_set(err, -EINVAL, "bytes after the zlib data");
    if (ret->s)
        ret->s[ret->len] = 0;
    inflateEnd(&z);
    return code;
}

int prb_unpack(struct str base64, size_t bytes_max, struct buf *ret, struct err *err)
{
    struct buf packed = {0};
    int rc = from_base64(base64, &packed, err);
    if (rc == 0)
        rc = inflate_all(buf_view(&packed), bytes_max, ret, err);
    buf_free(&packed);
    return rc;
}
