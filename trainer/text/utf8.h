/* utf8.h: which bytes are UTF-8. A model may sample any; JSON and PCRE2 take only valid ones. */
#ifndef ASSAY_UTF8_H
#define ASSAY_UTF8_H

#include "base/str.h"

/* Bytes of the character at the start of text; 0 when it is malformed (surrogates, overlong forms,
 * past U+10FFFF). Not for empty text. */
size_t utf8_char(struct str text);
/* Length of the valid UTF-8 at the start of text. */
size_t utf8_prefix(struct str text);
/* Appends text with every byte that is not part of valid UTF-8 as U+FFFD. */
void utf8_clean(struct str text, struct buf *out);

#endif
