/* lint_names.c: which names a program binds and uses, and where its syntax breaks.
 *
 * One walk over the tree does all that needs every node of it, since stepping from node to node is
 * what costs: the names, the counts of lint_tree.c, and the signs of what the patterns of
 * queries/python.scm look for (enum linter_sign), which are rare.
 *
 * Deliberately simple: a name is undefined when nothing in the whole file binds it, in any
 * scope, and it is no builtin. That misses some, and accuses almost nobody wrongly. Nothing here
 * touches the grade. */
#include "base/check.h"
#include "linter.h"

enum { SYNTAX_ERRORS_MAX = 5, DEPTH_START = 64 };

static const char *const builtins[] = {
#define NAMES(...) __VA_ARGS__
    NAMES("ArithmeticError", "AssertionError", "AttributeError", "BaseException",
          "BaseExceptionGroup", "BlockingIOError", "BrokenPipeError", "BufferError", "BytesWarning",
          "ChildProcessError", "ConnectionAbortedError", "ConnectionError",
          "ConnectionRefusedError", "ConnectionResetError", "DeprecationWarning", "EOFError",
          "Ellipsis", "EncodingWarning", "EnvironmentError", "Exception", "ExceptionGroup", "False",
          "FileExistsError", "FileNotFoundError", "FloatingPointError", "FutureWarning",
          "GeneratorExit", "IOError", "ImportError", "ImportWarning", "IndentationError",
          "IndexError", "InterruptedError", "IsADirectoryError", "KeyError", "KeyboardInterrupt",
          "LookupError", "MemoryError", "ModuleNotFoundError", "NameError", "None",
          "NotADirectoryError", "NotImplemented", "NotImplementedError", "OSError", "OverflowError",
          "PendingDeprecationWarning", "PermissionError", "ProcessLookupError", "RecursionError",
          "ReferenceError", "ResourceWarning", "RuntimeError", "RuntimeWarning",
          "StopAsyncIteration", "StopIteration", "SyntaxError", "SyntaxWarning", "SystemError",
          "SystemExit", "TabError", "TimeoutError", "True", "TypeError", "UnboundLocalError",
          "UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError", "UnicodeTranslateError",
          "UnicodeWarning", "UserWarning", "ValueError", "Warning", "ZeroDivisionError",
          "__annotations__", "__build_class__", "__builtins__", "__class__", "__debug__",
          "__dict__", "__doc__", "__file__", "__import__", "__loader__", "__module__", "__name__",
          "__package__", "__qualname__", "__spec__", "_", "abs", "aiter", "all", "anext", "any",
          "ascii", "bin", "bool", "breakpoint", "bytearray", "bytes", "callable", "chr",
          "classmethod", "compile", "complex", "copyright", "credits", "delattr", "dict", "dir",
          "divmod", "enumerate", "eval", "exec", "exit", "filter", "float", "format", "frozenset",
          "getattr", "globals", "hasattr", "hash", "help", "hex", "id", "input", "int",
          "isinstance", "issubclass", "iter", "len", "license", "list", "locals", "map", "max",
          "memoryview", "min", "next", "object", "oct", "open", "ord", "pow", "print", "property",
          "quit", "range", "repr", "reversed", "round", "set", "setattr", "slice", "sorted",
          "staticmethod", "str", "sum", "super", "tuple", "type", "vars", "zip")
#undef NAMES
};

/* One ancestor of the node under the cursor. */
struct frame {
    unsigned char kind;
    unsigned char last; /* kind of the child before, comments and signs left out */
    bool binds;         /* names below it are bound, unless a nearer frame says no */
    bool in_import;     /* below an import statement */
    bool inner;         /* inside a function, class or comprehension: not the module's own names */
    bool in_def;        /* the nearest function, class or lambda around is a function */
    bool in_loop;       /* in a loop of that */
    bool first;         /* nothing stands before it in its parent */
    bool has_is;        /* a comparison by `is` */
    const void *id;     /* of the node */
};

enum { FRAMES_SEEN = 3 };

struct walk {
    const struct linter *l;
    struct str text;
    struct frame *frames;
    size_t depth, cap;
    struct names *names;
    struct tree_facts *facts; /* NULL: not wanted */
};

static int name_order(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

static bool is_builtin(const char *name)
{
    return bsearch(name, builtins, COUNT_OF(builtins), sizeof *builtins, name_order) != NULL;
}

static bool is_scope(unsigned char kind)
{
    return kind == NODE_DEF || kind == NODE_CLASS || kind == NODE_LAMBDA;
}

/* What the field of a child says about the names in it, given the parent's kind. */
static bool child_binds(const struct linter *l, const struct frame *parent, TSFieldId field)
{
    switch (parent->kind) {
    case NODE_ASSIGNMENT:
    case NODE_AUGMENTED:
    case NODE_LOOP:
    case NODE_CLAUSE:
        return field == l->left;
    case NODE_DEF:
    case NODE_CLASS:
    case NODE_NAMED:
        return field == l->name;
    case NODE_DEFAULT:
        return field == l->name;
    case NODE_ATTRIBUTE:
    case NODE_SUBSCRIPT:
    case NODE_CALL:
    case NODE_LAMBDA:
    case NODE_FIRM:
    case NODE_WHILE:
        return false;
    default:
        return field != l->type && parent->binds;
    }
}

static bool kind_binds(unsigned char kind)
{
    return kind == NODE_PARAMETERS || kind == NODE_TARGET || kind == NODE_PATTERN ||
           kind == NODE_SCOPE_WORD || kind == NODE_IMPORT;
}

static void add(struct places *p, struct place place)
{
    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 64;
        p->v = xrealloc(p->v, p->cap, sizeof *p->v);
    }
    p->v[p->n++] = place;
}

static bool is_bound(const json_t *bound, struct str name)
{
    return json_object_getn(bound, name.s, name.len) != NULL;
}

static bool is_module_bound(const json_t *bound, struct str name)
{
    return json_is_true(json_object_getn(bound, name.s, name.len));
}

static void bind(const struct walk *w, struct place place, const struct frame *parent)
{
    struct str name = place.name;
    json_t *bound = w->names->bound, *known = json_object_getn(bound, name.s, name.len);
    if (known && (parent->inner || json_is_true(known)))
        return;
    json_object_setn_new(bound, name.s, name.len, json_boolean(!parent->inner));
    if (!parent->inner && !parent->in_import)
        add(&w->names->defines, place);
}

/* Two definitions of a name, side by side in one block: the first is lost. */
static void see_definition(const struct walk *w, struct place place)
{
    struct names *names = w->names;
    if (w->depth < 2 || place.name.len >= LINT_NAME_BYTES_MAX)
        return;
    place.block = w->frames[w->depth - 2].id;
    for (size_t i = 0; i < names->definitions.n; i++) {
        const struct place *d = &names->definitions.v[i];
        if (d->block == place.block && str_eq(d->name, place.name)) {
            add(&names->again, place);
            return;
        }
    }
    add(&names->definitions, place);
}

static void on_name(const struct walk *w, TSNode node, TSFieldId field, const struct frame *parent,
                    bool binds)
{
    struct place place = {str_from(w->text, ts_node_start_byte(node)), ts_node_start_byte(node),
                          NULL};
    place.name.len = ts_node_end_byte(node) - ts_node_start_byte(node);
    if (place.name.len == 0 || (parent->kind == NODE_ATTRIBUTE && field == w->l->attribute) ||
        (parent->kind == NODE_KEYWORD && field == w->l->name))
        return;
    struct frame at = *parent;
    if (is_scope(parent->kind) &&
        field == w->l->name) /* a definition's own name lies outside of it */
        at.inner = w->depth > 1 && w->frames[w->depth - 2].inner;
    if ((parent->kind == NODE_DEF || parent->kind == NODE_CLASS) && field == w->l->name)
        see_definition(w, place);
    if (binds)
        bind(w, place, &at);
    else
        add(&w->names->uses, place);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static void push(struct walk *w, struct frame f)
{
    if (w->depth == w->cap) {
        w->cap = w->cap ? 2 * w->cap : DEPTH_START;
        w->frames = xrealloc(w->frames, w->cap, sizeof *w->frames);
    }
    w->frames[w->depth++] = f;
}

/* The sign of a name that some pattern asks for, by where it stands. */
static unsigned sign_of_name(const struct walk *w, TSNode node, const struct frame *above)
{
    uint32_t from = ts_node_start_byte(node);
    struct str name = {w->text.s + from, ts_node_end_byte(node) - from};
    int i = above[0].kind == NODE_ATTRIBUTE;
    if (above[0].kind == NODE_EXPRESSION_STATEMENT)
        return SIGN_IDLE_VALUE;
    if (above[i].kind != NODE_CALL)
        return 0;
    unsigned sign = above[i + 1].kind == NODE_EXPRESSION_STATEMENT ? SIGN_IDLE_CALL
                    : above[i + 1].kind == NODE_ASSIGNMENT || above[i + 1].kind == NODE_LEAVE
                        ? SIGN_KEPT_CALL
                        : 0;
    const json_t *word = sign ? json_object_getn(w->l->words, name.s, name.len) : NULL;
    return word ? sign & (unsigned)json_integer_value(word) : 0;
}

/* Signs of patterns that a node is part of. `above`: its parent, and what is around that. */
static unsigned signs_of(const struct walk *w, TSNode node, unsigned char kind,
                         const struct frame *above)
{
    const struct frame *parent = &above[0];
    switch (kind) {
    case NODE_LEAVE:
        return parent->in_def ? 0 : SIGN_STRAY;
    case NODE_JUMP:
        return parent->in_loop ? 0 : SIGN_STRAY;
    case NODE_COMPARISON:
    case NODE_OPERATION:
        return parent->kind == NODE_EXPRESSION_STATEMENT ? SIGN_IDLE_VALUE : 0;
    case NODE_NAME:
        return sign_of_name(w, node, above);
    case NODE_CALL:
        return parent->kind == NODE_LEAVE && parent->first && above[2].kind == NODE_DEF
                   ? SIGN_CALL_FIRST
                   : 0;
    case NODE_PARAMETERS:
        return parent->kind == NODE_DEF && above[2].kind == NODE_CLASS &&
                       ts_node_end_byte(node) - ts_node_start_byte(node) == 2
                   ? SIGN_METHOD
                   : 0;
    case NODE_CONTAINER:
        return parent->kind == NODE_DEFAULT ? SIGN_DEFAULT : parent->has_is ? SIGN_IS : 0;
    case NODE_LITERAL:
    case NODE_STRING:
        return parent->has_is ? SIGN_IS : 0;
    case NODE_EXCEPT:
        return SIGN_EXCEPT;
    case NODE_ASSERT:
        return SIGN_ASSERT;
    default:
        return 0;
    }
}

static unsigned signs_at(const struct walk *w, TSNode node, unsigned char kind)
{
    struct frame above[FRAMES_SEEN] = {0};
    for (size_t i = 0; i < FRAMES_SEEN && i < w->depth; i++)
        above[i] = w->frames[w->depth - 1 - i];
    unsigned char last = kind == NODE_COMMENT ? NODE_OTHER : above[0].last;
    bool after = last == NODE_LEAVE || last == NODE_JUMP || last == NODE_WHILE;
    /* Where predicates look no further up, they hold of what has no sign. */
    unsigned deep = w->depth >= LINT_ANCESTORS_MAX ? ~0u : 0;
    return signs_of(w, node, kind, above) | (after ? SIGN_AFTER_LEAVING : 0) | deep;
}

static struct frame frame_of(const struct frame *parent, TSNode node, unsigned char kind,
                             bool binds)
{
    bool scope = is_scope(kind), loop = kind == NODE_LOOP || kind == NODE_WHILE;
    return (struct frame){.kind = kind,
                          .last = NODE_NONE,
                          .id = node.id,
                          .binds = binds || kind_binds(kind),
                          .in_import = parent->in_import || kind == NODE_IMPORT,
                          .inner = parent->inner || scope || kind == NODE_CLAUSE,
                          .in_def = scope ? kind == NODE_DEF : parent->in_def,
                          .in_loop = loop || (parent->in_loop && !scope),
                          .first = parent->last == NODE_NONE};
}

/* Looks at the node under the cursor; true when that has gone to its first child. */
static bool enter(struct walk *w, TSTreeCursor *c)
{
    TSNode node = ts_tree_cursor_current_node(c);
    struct frame *parent = &w->frames[w->depth - 1];
    const unsigned char kind = linter_kind(w->l, node);
    if (kind == NODE_SIGN)
        return false;
    if (kind == NODE_IS) {
        parent->has_is = parent->kind == NODE_COMPARISON;
        return false;
    }
    if (w->facts) {
        linter_count(w->l, w->text, node, kind, w->facts);
        w->names->signs |= signs_at(w, node, kind);
    }
    w->names->open_world |= kind == NODE_STAR_IMPORT;
    bool descend = ts_node_child_count(node) > 0;
    if (kind == NODE_NAME || descend) {
        TSFieldId field = ts_tree_cursor_current_field_id(c);
        bool binds = child_binds(w->l, parent, field);
        if (kind == NODE_NAME)
            on_name(w, node, field, parent, binds);
        struct frame f = frame_of(parent, node, kind, binds);
        if (kind != NODE_COMMENT)
            parent->last = kind;
        if (descend && ts_tree_cursor_goto_first_child(c)) {
            push(w, f);
            return true;
        }
    } else if (kind != NODE_COMMENT) {
        parent->last = kind;
    }
    return false;
}

void linter_names_read(const struct linter *l, struct str text, const TSTree *tree,
                       struct names *ret, struct tree_facts *facts)
{
    TSNode root = ts_tree_root_node(tree);
    TSTreeCursor c = ts_tree_cursor_new(root);
    struct walk w = {.l = l, .text = text, .names = ret, .facts = facts};
    *ret = (struct names){.bound = json_object()};
    push(&w, (struct frame){.last = NODE_NONE, .id = root.id});
    bool more = ts_tree_cursor_goto_first_child(&c);
    while (more) {
        if (enter(&w, &c))
            continue;
        while (!(more = ts_tree_cursor_goto_next_sibling(&c)) && ts_tree_cursor_goto_parent(&c))
            w.depth--;
    }
    ts_tree_cursor_delete(&c);
    free(w.frames);
}

void linter_names_free(struct names *n)
{
    json_decref(n->bound);
    free(n->uses.v);
    free(n->defines.v);
    free(n->definitions.v);
    free(n->again.v);
}

/* ---- what is said ---------------------------------------------------------------------------- */

static void report_again(struct str text, const struct names *names, json_t *diagnostics)
{
    for (size_t i = 0; i < names->again.n; i++) {
        const struct place *p = &names->again.v[i];
        linter_diagnose(diagnostics, text, p->at, "warning", "duplicate-definition",
                        "`%.*s` is defined above already", (int)p->name.len, p->name.s);
    }
}

static void report_uses(struct str text, const struct names *names, const json_t *before,
                        json_t *diagnostics)
{
    for (size_t i = 0; i < names->uses.n; i++) {
        const struct place *u = &names->uses.v[i];
        char name[LINT_NAME_BYTES_MAX];
        if (is_bound(names->bound, u->name) || is_bound(before, u->name) ||
            u->name.len >= sizeof name)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)u->name.len, u->name.s);
        if (is_builtin(name))
            continue;
        json_object_setn_new(names->bound, u->name.s, u->name.len, json_false()); /* told once */
        linter_diagnose(diagnostics, text, u->at, "error", "undefined-name", "nothing defines `%s`",
                        name);
    }
}

/* "Class.method" asks for the class. A definition that the grammar lost is none that is missing. */
static void report_entry(struct str text, const struct names *names, const json_t *before,
                         const char *entry_point, json_t *diagnostics)
{
    struct str name = str_make(entry_point, strcspn(entry_point, "."));
    char def[LINT_NAME_BYTES_MAX + 8];
    if (name.len >= LINT_NAME_BYTES_MAX || is_module_bound(names->bound, name) ||
        is_module_bound(before, name))
        return;
    snprintf(def, sizeof def, "def %.*s(", (int)name.len, name.s);
    if (str_find(text, str_of(def), 0) < 0)
        linter_diagnose(diagnostics, text, 0, "error", "no-entry-point",
                        "nothing here defines `%.*s`", (int)name.len, name.s);
}

static void report_syntax(struct str text, const TSTree *tree, json_t *diagnostics)
{
    TSTreeCursor c = ts_tree_cursor_new(ts_tree_root_node(tree));
    int n = 0;
    bool more = true;
    while (more && n < SYNTAX_ERRORS_MAX) {
        TSNode node = ts_tree_cursor_current_node(&c);
        uint32_t from = ts_node_start_byte(node), to = ts_node_end_byte(node);
        bool error = ts_node_symbol(node) == (TSSymbol)-1;
        if (error && to > from) {
            struct str line = str_from(text, from);
            const char *end = memchr(line.s, '\n', line.len);
            int len = end ? (int)(end - line.s) : (int)line.len;
            len = len < (int)(to - from) ? len : (int)(to - from);
            for (len = len < 40 ? len : 40;
                 len < (int)line.len && len > 0 && ((unsigned char)line.s[len] & 0xc0) == 0x80;)
                len--;
            linter_diagnose(diagnostics, text, from, "error", "syntax-error",
                            "cannot make sense of `%.*s`", len, line.s);
            n++;
        } else if (ts_node_is_missing(node)) {
            linter_diagnose(diagnostics, text, from, "error", "syntax-error", "missing `%s`",
                            ts_node_type(node));
            n++;
        }
        bool descend = ts_node_has_error(node) && !error;
        if (descend && ts_tree_cursor_goto_first_child(&c))
            continue;
        while (!(more = ts_tree_cursor_goto_next_sibling(&c)) && ts_tree_cursor_goto_parent(&c))
            ;
    }
    ts_tree_cursor_delete(&c);
}

void linter_names_report(struct str text, const TSTree *tree, const struct names *names,
                         const struct starter *starter, const char *entry_point, json_t *defines,
                         json_t *diagnostics)
{
    const bool parses = !ts_node_has_error(ts_tree_root_node(tree));
    const bool open_world = names->open_world || starter->open_world;
    for (size_t i = 0; i < names->defines.n; i++) {
        struct str name = names->defines.v[i].name;
        if (!is_module_bound(starter->bound, name))
            json_array_append_new(defines, json_stringn(name.s, name.len));
    }
    if (!parses) {
        report_syntax(text, tree, diagnostics);
        return;
    }
    report_again(text, names, diagnostics);
    if (!open_world)
        report_uses(text, names, starter->bound, diagnostics);
    if (entry_point && (!open_world || starter->open_world))
        report_entry(text, names, starter->bound, entry_point, diagnostics);
}
