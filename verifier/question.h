/* question.h: the payload of a WIRE_JOB: a JSON object, and beside it the long texts of the question
 * as they are. Escaping a program and taking the escapes off again, a byte at a time, costs more than
 * all else that the verifier does for a verdict. */
#ifndef ASSAY_QUESTION_H
#define ASSAY_QUESTION_H

#include <jansson.h>

#include "base/str.h"

enum { QUESTION_TEXTS_MAX = 2 };

/* The member `key` of the object; UTF-8, zeros allowed. None where `key` is NULL. */
struct question_text {
    const char *key;
    struct str text;
};

/* Appends the payload. `texts` may be NULL. */
void question_write(const json_t *json, const struct question_text *texts, struct buf *ret);

/* The object with its texts as members, a new reference; NULL where the bytes are no question. */
json_t *question_read(struct str payload);

#endif
