/* lint_names.c: which names a program binds and uses, and where its syntax breaks.
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
    bool binds;     /* names below it are bound, unless a nearer frame says no */
    bool in_import; /* below an import statement */
    bool inner;     /* inside a function, class or comprehension: not the module's own names */
    const void *id; /* of the node */
};

struct use {
    struct str name;
    uint32_t at;
};

struct walk {
    const struct linter *l;
    struct str text;
    struct frame *frames;
    size_t depth, cap;
    json_t *bound, *module; /* sets: any name bound anywhere; names bound at module level */
    json_t *defines;        /* array, NULL while the starter is read */
    struct use *uses;
    size_t n_uses, cap_uses;
    json_t *defined, *diagnostics; /* set: definitions by block and name */
    bool open_world;               /* `import *`, exec or globals(): names may come from anywhere */
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

static void add_use(struct walk *w, struct str name, TSNode node)
{
    if (w->n_uses == w->cap_uses) {
        w->cap_uses = w->cap_uses ? 2 * w->cap_uses : 64;
        w->uses = xrealloc(w->uses, w->cap_uses, sizeof *w->uses);
    }
    w->uses[w->n_uses++] = (struct use){name, ts_node_start_byte(node)};
}

static void bind(struct walk *w, struct str name, const struct frame *parent)
{
    json_object_setn_new(w->bound, name.s, name.len, json_true());
    if (parent->inner)
        return;
    bool fresh = !json_object_getn(w->module, name.s, name.len);
    json_object_setn_new(w->module, name.s, name.len, json_true());
    if (fresh && w->defines && !parent->in_import)
        json_array_append_new(w->defines, json_stringn(name.s, name.len));
}

/* Two definitions of a name, side by side in one block: the first is lost. */
static void see_definition(struct walk *w, struct str name, TSNode node)
{
    char key[LINT_NAME_BYTES_MAX + 32];
    if (w->depth < 2 || !w->diagnostics || name.len >= LINT_NAME_BYTES_MAX)
        return;
    int n = snprintf(key, sizeof key, "%p %.*s", w->frames[w->depth - 2].id, (int)name.len, name.s);
    if (json_object_getn(w->defined, key, (size_t)n))
        linter_diagnose(w->diagnostics, w->text, ts_node_start_byte(node), "warning",
                        "duplicate-definition", "`%.*s` is defined above already", (int)name.len,
                        name.s);
    json_object_setn_new(w->defined, key, (size_t)n, json_true());
}

static void on_name(struct walk *w, TSNode node, TSFieldId field, const struct frame *parent,
                    bool binds)
{
    struct str name = str_from(w->text, ts_node_start_byte(node));
    name.len = ts_node_end_byte(node) - ts_node_start_byte(node);
    if (name.len == 0 || (parent->kind == NODE_ATTRIBUTE && field == w->l->attribute) ||
        (parent->kind == NODE_KEYWORD && field == w->l->name))
        return;
    struct frame at = *parent;
    if (is_scope(parent->kind) &&
        field == w->l->name) /* a definition's own name lies outside of it */
        at.inner = w->depth > 1 && w->frames[w->depth - 2].inner;
    if ((parent->kind == NODE_DEF || parent->kind == NODE_CLASS) && field == w->l->name)
        see_definition(w, name, node);
    if (binds)
        bind(w, name, &at);
    else
        add_use(w, name, node);
}

static void push(struct walk *w, struct frame f)
{
    if (w->depth == w->cap) {
        w->cap = w->cap ? 2 * w->cap : DEPTH_START;
        w->frames = xrealloc(w->frames, w->cap, sizeof *w->frames);
    }
    w->frames[w->depth++] = f;
}

/* Every identifier of a tree, with what it means where it stands. */
static void walk_names(struct walk *w, const TSTree *tree)
{
    TSTreeCursor c = ts_tree_cursor_new(ts_tree_root_node(tree));
    w->depth = 0;
    push(w, (struct frame){.id = ts_tree_root_node(tree).id});
    bool more = ts_tree_cursor_goto_first_child(&c);
    while (more) {
        TSNode node = ts_tree_cursor_current_node(&c);
        TSFieldId field = ts_tree_cursor_current_field_id(&c);
        const struct frame parent = w->frames[w->depth - 1];
        bool error = ts_node_symbol(node) == (TSSymbol)-1;
        unsigned char kind = error ? NODE_OTHER : w->l->kinds[ts_node_symbol(node)];
        bool binds = child_binds(w->l, &parent, field);
        w->open_world |= kind == NODE_STAR_IMPORT;
        if (kind == NODE_NAME)
            on_name(w, node, field, &parent, binds);
        struct frame f = {.kind = kind,
                          .id = node.id,
                          .binds = binds || kind_binds(kind),
                          .in_import = parent.in_import || kind == NODE_IMPORT,
                          .inner = parent.inner || is_scope(kind) || kind == NODE_CLAUSE};
        if (ts_tree_cursor_goto_first_child(&c)) {
            push(w, f);
            continue;
        }
        while (!(more = ts_tree_cursor_goto_next_sibling(&c)) && ts_tree_cursor_goto_parent(&c))
            w->depth--;
    }
    ts_tree_cursor_delete(&c);
}

static void report_uses(struct walk *w, json_t *diagnostics)
{
    json_t *told = json_object();
    for (size_t i = 0; i < w->n_uses && !w->open_world; i++) {
        const struct use *u = &w->uses[i];
        char name[80];
        if (json_object_getn(w->bound, u->name.s, u->name.len) || u->name.len >= sizeof name)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)u->name.len, u->name.s);
        if (is_builtin(name) || json_object_get(told, name))
            continue;
        json_object_set_new(told, name, json_true());
        linter_diagnose(diagnostics, w->text, u->at, "error", "undefined-name",
                        "nothing defines `%s`", name);
    }
    json_decref(told);
}

/* "Class.method" asks for the class. A definition that the grammar lost is none that is missing. */
static void report_entry(struct walk *w, const char *entry_point, json_t *diagnostics)
{
    int len = (int)strcspn(entry_point, ".");
    char def[LINT_NAME_BYTES_MAX + 8];
    if (len >= LINT_NAME_BYTES_MAX || json_object_getn(w->module, entry_point, (size_t)len))
        return;
    snprintf(def, sizeof def, "def %.*s(", len, entry_point);
    if (str_find(w->text, str_of(def), 0) < 0)
        linter_diagnose(diagnostics, w->text, 0, "error", "no-entry-point",
                        "nothing here defines `%.*s`", len, entry_point);
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

void linter_names(struct linter *l, struct str text, const TSTree *tree, struct str starter,
                  const TSTree *starter_tree, const char *entry_point, json_t *defines,
                  json_t *diagnostics)
{
    bool parses = !ts_node_has_error(ts_tree_root_node(tree));
    struct walk w = {.l = l,
                     .text = starter,
                     .bound = json_object(),
                     .module = json_object(),
                     .defined = json_object()};
    if (starter_tree)
        walk_names(&w, starter_tree);
    bool starter_is_open = w.open_world;
    w.n_uses = 0;
    w.diagnostics = parses ? diagnostics : NULL;
    w.text = text;
    w.defines = defines;
    walk_names(&w, tree);
    if (!parses)
        report_syntax(text, tree, diagnostics);
    else
        report_uses(&w, diagnostics);
    if (entry_point && parses && (!w.open_world || starter_is_open))
        report_entry(&w, entry_point, diagnostics);
    json_decref(w.bound);
    json_decref(w.defined);
    json_decref(w.module);
    free(w.frames);
    free(w.uses);
}
