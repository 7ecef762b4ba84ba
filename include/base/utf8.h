/* utf8.h: which bytes are UTF-8 (the table of RFC 3629). A model may sample any; JSON and PCRE2
 * take only valid ones. */
#ifndef ASSAY_BASE_UTF8_H
#define ASSAY_BASE_UTF8_H

#include "base/str.h"

/* Bytes of the character at the start of text; 0 when it is malformed (surrogates, overlong forms,
 * past U+10FFFF). Not for empty text. */
static inline size_t utf8_char(struct str text)
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

/* Length of the valid UTF-8 at the start of text. */
static inline size_t utf8_prefix(struct str text)
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

/* Appends text with every byte that is not part of valid UTF-8 as U+FFFD. */
static inline void utf8_clean(struct str text, struct buf *out)
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

#endif
