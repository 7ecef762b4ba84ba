/* language_guess.h: what a text reads like, by its tokens alone. Pure. */
#ifndef ASSAY_LANGUAGE_GUESS_H
#define ASSAY_LANGUAGE_GUESS_H

#include "base/str.h"

/* Three kinds of label: Python, other programming languages, and what is no program. Scores are
 * log-odds up to a shared constant: only their differences mean something. */
struct language_guess {
    const char *program, *text; /* the best label of the last two kinds */
    float python, program_score, text_score;
    size_t tokens; /* how many of the text's tokens the table knows */
};

void language_guess(struct str text, struct language_guess *ret);

#endif
