/* language.h: which language a text is in, decided from what Python's grammar, the lines and the
 * tokens say. Pure.
 *
 * The principle: CPython has the last word on Python, so a doubtful text is called Python, and
 * only a text that reads clearly better as something else is refused it. */
#ifndef ASSAY_LANGUAGE_H
#define ASSAY_LANGUAGE_H

#include "base/str.h"
#include "verifier/language_guess.h"

/* What parsing found (lint_tree.c). Byte counts are of text that the grammar could make nothing
 * of. */
struct tree_facts {
    bool parsed;          /* false: the text was too long or too slow for the grammar */
    size_t bytes;         /* of the text that are not white space */
    size_t python_errors; /* bytes the Python grammar skipped */
    size_t statements;    /* Python statements that do something: not a bare value */
    size_t firm;          /* those among them that other texts hardly have: def, if, import, ... */
    size_t literals;      /* bare values as statements: data */
    size_t names;         /* bare names and operations: words */
    size_t annotations;   /* `name: value` without `=`: YAML and prose look like that */
    size_t arrows;        /* `a <- b` as a statement: R, or pseudo-code */
    size_t python2;       /* print x, exec x, except A, b: */
    size_t python3;       /* f-strings and type annotations */
};

/* What the lines look like (language_lines.c). Blank lines count nowhere. */
struct line_facts {
    size_t lines, prose, comments; /* comments: and what stands in triple quotes */
    size_t words;          /* nothing but words and their punctuation, no Python keyword first */
    size_t defs, blocks;   /* `def f(x):`; and any line that opens a Python block */
    size_t prompts;        /* of an interactive Python: `>>> f(3)` */
    size_t ends;           /* `end`, alone */
    double pseudo, markup; /* points: textbooks' pseudo-code; TeX, Markdown, HTML */
};

void language_lines(struct str text, struct line_facts *ret);

/* Whether the lines and tokens could change what the grammar says. */
bool language_is_doubtful(const struct tree_facts *tree);

/* "python", "python2", "prose", "data", "empty", or another language's name. */
const char *language_decide(const struct tree_facts *tree, const struct line_facts *lines,
                            const struct language_guess *guess);

#endif
