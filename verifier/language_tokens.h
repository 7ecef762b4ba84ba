/* language_tokens.h: the small pieces of a text that tell languages apart, whatever it is about. */
#ifndef ASSAY_LANGUAGE_TOKENS_H
#define ASSAY_LANGUAGE_TOKENS_H

#include "base/str.h"

enum { LANGUAGE_TOKEN_BYTES_MAX = 24 };

/* Calls `see` with each token of the text, repeated ones as often as they stand there. A token is
 *   a word                    `fn`
 *   a word at a line's edge   `\nfn` `then\n`
 *   a word and what follows   `print(` `print "` `public static`
 *   a word after a sign        `: number` `$this`
 *   two signs side by side    `=>` `w(` `)\n` `$w`: w is any word, 0 a number, \n a line's edge
 * None is longer than LANGUAGE_TOKEN_BYTES_MAX; what would be is left out. */
void language_tokens(struct str text, void (*see)(void *arg, struct str token), void *arg);

#endif
