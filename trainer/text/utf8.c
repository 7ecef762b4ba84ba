/* utf8.c: which bytes are UTF-8 (RFC 3629's table). */
#include "trainer/text/utf8.h"

size_t utf8_char(struct str text)
{
    const unsigned char *s = (const unsigned char *)text.s;
    unsigned char c = s[0];
    if (c < 0x80)
        return 1;
    size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || text.len < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) || (c == 0xf0 && s[1] < 0x90) ||
        (c == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

size_t utf8_prefix(struct str text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t n = utf8_char(str_from(text, at));
        if (!n)
            break;
        at += n;
    }
    return at;
}

void utf8_clean(struct str text, struct buf *out)
{
    while (text.len) {
        size_t n = utf8_prefix(text);
        buf_add(out, text.s, n);
        text = str_from(text, n);
        if (!text.len)
            break;
        buf_puts(out, "\xef\xbf\xbd");
        text = str_from(text, 1);
    }
}
