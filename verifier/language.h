/* language.h: which language a text is in, decided from what the grammars and the lexical marks
 * say. Pure.
 *
 * The principle: CPython has the last word on Python, so a doubtful text is called Python, and
 * only a text that reads clearly better as something else is refused it. */
#ifndef ASSAY_LANGUAGE_H
#define ASSAY_LANGUAGE_H

#include "base/str.h"

/* What parsing found (lint_tree.c). Byte counts are of text that a grammar could make nothing
 * of. */
struct tree_facts {
    bool parsed;          /* false: the text was too long or too slow for the grammars */
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
    const char *other;    /* the other grammar with the fewest errors, NULL if none was asked */
    size_t other_errors;
};

/* What the lines look like (language_marks.c), in points. */
struct mark_facts {
    double python, data, pseudo, curly, best;
    const char *best_name; /* the other language with the most points, `best`; curly not included */
    size_t lines, prose_lines, code_lines, comment_lines;
    size_t python_blocks, python_defs; /* lines like `else:`, and like `def f(x):` among them */
};

void language_marks(struct str text, struct mark_facts *ret);

/* Whether the other grammars' errors (other, other_errors) could change the decision. */
bool language_wants_grammars(const struct tree_facts *tree, const struct mark_facts *marks);

/* "python", "python2", "prose", "data", "empty", or another language's name. */
const char *language_decide(const struct tree_facts *tree, const struct mark_facts *marks);

#endif
