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
    NODE_LEAVE, /* return, raise */
    NODE_JUMP,  /* break, continue */
    NODE_WHILE,
    NODE_ASSERT,
    NODE_CONTAINER, /* list, dictionary, set */
    NODE_CONSTANT,  /* None, True, False */
    NODE_SIGN,      /* a token without a name, but `is` and `is not` */
    NODE_IS,
    NODE_NONE, /* no node */
};

/* What a program must have somewhere for a pattern of queries/python.scm to find anything. The names
 * in quotes are what the patterns `needs`. */
enum linter_sign {
    SIGN_AFTER_LEAVING = 1 << 0, /* "after-leaving": a node after a jump or a while loop */
    SIGN_STRAY = 1 << 1,         /* "stray": a jump out of no function or no loop */
    SIGN_IDLE_VALUE = 1 << 2,    /* "idle-value": a statement of a comparison, operation or name */
    SIGN_IDLE_CALL = 1 << 3,     /* "idle-call": or of a call that the pattern names */
    SIGN_KEPT_CALL = 1 << 4,     /* "kept-call": such a call, assigned or returned */
    SIGN_CALL_FIRST = 1 << 5,    /* "call-first": a function that begins by returning a call */
    SIGN_METHOD = 1 << 6,        /* "method": one without parameters */
    SIGN_DEFAULT = 1 << 7,       /* "default": a list, dictionary or set as a parameter's default */
    SIGN_EXCEPT = 1 << 8,        /* "except" */
    SIGN_IS = 1 << 9,            /* "is": a literal after `is` or `is not` */
    SIGN_ASSERT = 1 << 10,       /* "assert" */
};

enum { LINT_NAME_BYTES_MAX = 80, LINT_ANCESTORS_MAX = 400 };

struct query_rule;

/* Whether and how a definition can be called. */
struct signature {
    bool known;
    bool named_only; /* a parameter without default can be given by name alone */
    int least, most; /* arguments by position */
    uint32_t at;     /* of the name, in the text */
};

/* A name somewhere in a text. */
struct place {
    struct str name;
    uint32_t at;
    const void *block; /* that a definition stands in */
};

struct places {
    struct place *v;
    size_t n, cap;
};

/* What one walk over a tree finds. Names are parts of the text. */
struct names {
    json_t *bound;         /* every name that is bound: to true where the module itself binds it */
    struct places uses;    /* of names that are not bound there */
    struct places defines; /* by def, class or =: what the module binds first so, in order */
    struct places definitions, again; /* by def or class; those that hide one in the same block */
    bool open_world; /* `import *`, exec or globals(): names may come from anywhere */
    unsigned signs;  /* enum linter_sign */
};

/* What is kept of a starter. */
struct starter {
    json_t *bound; /* as in struct names; NULL: nothing */
    bool open_world;
};

/* What was learnt of a text that comes with all programs of a problem: a starter, or a model. */
struct known {
    struct buf key; /* a letter for the kind, the entry point's name, a zero, the text */
    struct starter starter;
    struct signature signature;
};

struct linter {
    const TSLanguage *language;
    TSParser *parser;         /* of the text in hand */
    TSQuery *query;           /* verifier/queries/python.scm */
    struct query_rule *rules; /* one a pattern */
    unsigned needs;           /* signs without which no pattern finds anything */
    json_t *words;            /* that patterns ask for by name -> the signs that they are part of */
    uint32_t capture_here, capture_stop;
    unsigned char *kinds; /* enum node_kind of every Python symbol */
    TSFieldId left, right, name, type, value, attribute, alias;
    struct known_set *known; /* lint_known.c */
};

void linter_open(struct linter *l);
void linter_close(struct linter *l);

/* lint.h's RESULT for a JOB; never NULL. */
json_t *linter_run(struct linter *l, const json_t *job);

/* ---- parts ----------------------------------------------------------------------------------- */

/* lint_memory.c: from `begin` on tree-sitter's memory is the text's in hand; `reset` takes all of it
 * back, and a parser, tree or cursor is no more. */
void linter_memory_begin(void);
void linter_memory_reset(void);
void linter_memory_end(void);

/* NULL when the text is too much for the grammar. */
TSTree *linter_parse(struct linter *l, struct str text);

static inline enum node_kind linter_kind(const struct linter *l, TSNode node)
{
    const TSSymbol symbol = ts_node_symbol(node);
    return symbol == (TSSymbol)-1 ? NODE_OTHER : (enum node_kind)l->kinds[symbol];
}

/* lint_tree.c: what a node of a tree is to the facts; and the facts that are not a node's. `python`
 * may be NULL. */
void linter_count(const struct linter *l, struct str text, TSNode node, enum node_kind kind,
                  struct tree_facts *facts);
void linter_facts(struct str text, const TSTree *python, struct tree_facts *facts);

/* lint_names.c: walks over a tree, counts for `facts` (unless NULL) and fills *ret, to be freed. */
void linter_names_read(const struct linter *l, struct str text, const TSTree *tree,
                       struct names *ret, struct tree_facts *facts);
void linter_names_free(struct names *n);

/* Appends syntax-error, undefined-name, no-entry-point and duplicate-definition diagnostics, and the
 * names that the module binds by def, class or = to `defines`. What the starter binds counts as
 * defined. */
void linter_names_report(struct str text, const TSTree *tree, const struct names *names,
                         const struct starter *starter, const char *entry_point, json_t *defines,
                         json_t *diagnostics);

/* lint_known.c: the entry for a text, to be filled if *ret_new. It stays until the next call. */
void linter_known_open(struct linter *l);
void linter_known_close(struct linter *l);
struct known *linter_known(struct linter *l, char kind, struct str name, struct str text,
                           bool *ret_new);

/* lint_signature.c: wrong-parameters. */
void linter_signature(struct linter *l, struct str text, const TSTree *tree, const json_t *job,
                      json_t *diagnostics);

/* lint_queries.c: what the patterns of verifier/queries/python.scm find in a tree without errors,
 * which has these signs. */
void linter_queries_open(struct linter *l);
void linter_queries_close(struct linter *l);
void linter_queries_run(const struct linter *l, struct str text, const TSTree *tree, unsigned signs,
                        json_t *diagnostics);

/* lint_notebook.c: whether there are lines that only a notebook or a session understands. *text is
 * then one in `masked`, of the same length, where the grammar sees comments in their place. */
bool linter_notebook(struct str *text, struct buf *masked, json_t *diagnostics);

/* Appends one diagnostic at a byte of the text, unless there are LINT_DIAGNOSTICS_MAX already. */
void linter_diagnose(json_t *diagnostics, struct str text, uint32_t at, const char *severity,
                     const char *code, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

#endif
