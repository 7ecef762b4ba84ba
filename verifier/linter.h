/* linter.h: what assay-lint does to one text. Holds the grammar; touches no descriptor. */
#ifndef ASSAY_LINTER_H
#define ASSAY_LINTER_H

#include <jansson.h>
#include <tree_sitter/api.h>

#include "verifier/language.h"

/* What a node of the Python grammar is to us; an index by grammar symbol. */
enum node_kind {
    NODE_OTHER,
    NODE_STATEMENT,
    NODE_FIRM,
    NODE_EXPRESSION_STATEMENT,
    NODE_ASSIGNMENT,
    NODE_AUGMENTED,
    NODE_CALL,
    NODE_EFFECT,
    NODE_LITERAL,
    NODE_NAME,
    NODE_OPERATION,
    NODE_COMPARISON,
    NODE_PYTHON2,
    NODE_PYTHON3,
    NODE_EXCEPT,
    NODE_DEF,
    NODE_CLASS,
    NODE_LAMBDA,
    NODE_PARAMETERS,
    NODE_IMPORT,
    NODE_STAR_IMPORT,
    NODE_SCOPE_WORD,
    NODE_TARGET,
    NODE_LOOP,
    NODE_CLAUSE,
    NODE_NAMED,
    NODE_PATTERN,
    NODE_ATTRIBUTE,
    NODE_SUBSCRIPT,
    NODE_KEYWORD,
    NODE_DEFAULT,
    NODE_ALIAS,
    NODE_STRING,
    NODE_COMMENT,
};

enum { LINT_NAME_BYTES_MAX = 80 };

struct query_rule;

/* Whether and how a definition can be called. */
struct signature {
    bool known;
    bool named_only; /* a parameter without default can be given by name alone */
    int least, most; /* arguments by position */
    uint32_t at;     /* of the name, in the text */
};

/* What was found of a model, which is the same for all programs of a problem. `key`: the entry
 * point's name, a zero, the model's text. */
enum { LINT_MODEL_SETS = 128, LINT_MODELS_OF_SET = 4, LINT_MODEL_BYTES_MAX = 16 << 10 };

struct linter_models {
    struct buf keys[LINT_MODELS_OF_SET];
    struct signature signatures[LINT_MODELS_OF_SET];
    unsigned next; /* to be replaced */
};

struct linter {
    TSParser *parser;
    TSQuery *query; /* verifier/queries/python.scm */
    TSQueryCursor *query_cursor;
    struct query_rule *rules; /* one a pattern */
    uint32_t capture_here, capture_stop;
    unsigned char *kinds; /* enum node_kind of every Python symbol */
    TSFieldId left, right, name, type, value, attribute, alias;
    struct linter_models *models; /* LINT_MODEL_SETS, by the hash of the key */
};

void linter_open(struct linter *l);
void linter_close(struct linter *l);

/* lint.h's RESULT for a JOB; never NULL. */
json_t *linter_run(struct linter *l, const json_t *job);

/* ---- parts ----------------------------------------------------------------------------------- */

/* NULL when the text is too much for the grammar. */
TSTree *linter_parse(struct linter *l, struct str text);

/* lint_tree.c: `python` may be NULL. */
void linter_facts(struct linter *l, struct str text, const TSTree *python, struct tree_facts *ret);

/* lint_names.c: appends syntax-error, undefined-name, no-entry-point and duplicate-definition
 * diagnostics, and the
 * names that the module binds by def, class or = to `defines`. What `starter` (its tree may be
 * NULL) binds counts as defined. */
void linter_names(struct linter *l, struct str text, const TSTree *tree, struct str starter,
                  const TSTree *starter_tree, const char *entry_point, json_t *defines,
                  json_t *diagnostics);

/* lint_signature.c: wrong-parameters. The tables of models are made and freed there. */
void linter_models_open(struct linter *l);
void linter_models_close(struct linter *l);
void linter_signature(struct linter *l, struct str text, const TSTree *tree, const json_t *job,
                      json_t *diagnostics);

/* lint_queries.c: what the patterns of verifier/queries/python.scm find in a tree without errors. */
void linter_queries_open(struct linter *l);
void linter_queries_close(struct linter *l);
void linter_queries_run(const struct linter *l, struct str text, const TSTree *tree,
                        json_t *diagnostics);

/* lint_notebook.c: whether there are lines that only a notebook or a session understands. *text is
 * then one in `masked`, of the same length, where the grammar sees comments in their place. */
bool linter_notebook(struct str *text, struct buf *masked, json_t *diagnostics);

/* Appends one diagnostic at a byte of the text, unless there are LINT_DIAGNOSTICS_MAX already. */
void linter_diagnose(json_t *diagnostics, struct str text, uint32_t at, const char *severity,
                     const char *code, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

#endif
