/* lint_queries.c: runs the patterns of verifier/queries/python.scm, which is part of the program,
 * over a tree. tree-sitter matches the shapes; the predicates, which it only carries, are judged
 * here. A file that this does not understand is a bug: the program does not start. Matching takes
 * another walk over the tree, dearer than the first: a program without any sign of what the patterns
 * look for (enum linter_sign) is spared it. */
#include "embed.h"
#include "lint.h"
#include "linter.h"

enum { CAPTURES_MAX = 8, MATCHES_MAX = 5000, MATCHES_AT_ONCE = 256 };

EMBED_TEXT(linter__queries, "verifier/queries/python.scm");

/* What #set! says of a pattern. */
struct query_rule {
    const char *code, *message, *severity;
    unsigned needs; /* enum linter_sign; 0: it is asked of every program */
};

/* One match: the node of each capture, null where it has none. */
struct match {
    const struct linter *l;
    struct str text;
    TSNode nodes[CAPTURES_MAX];
};

static const char *string_of(const TSQuery *q, uint32_t id)
{
    uint32_t len;
    return ts_query_string_value_for_id(q, id, &len);
}

/* In the order of enum linter_sign. */
static const char *const sign_names[] = {"after-leaving", "stray",      "idle-value", "idle-call",
                                         "kept-call",     "call-first", "method",     "default",
                                         "except",        "is",         "assert"};

static unsigned sign_of(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(sign_names); i++)
        if (strcmp(sign_names[i], name) == 0)
            return 1u << i;
    CHECK(!"a sign that python.scm may need");
    return 0;
}

static void read_setting(struct query_rule *rule, const char *key, const char *value)
{
    if (strcmp(key, "code") == 0)
        rule->code = value;
    else if (strcmp(key, "message") == 0)
        rule->message = value;
    else if (strcmp(key, "severity") == 0)
        rule->severity = value;
    else if (strcmp(key, "needs") == 0)
        rule->needs = sign_of(value);
    else
        CHECK(!"a setting that python.scm may use");
}

/* What the predicates of a pattern compare with. */
static void read_words(struct linter *l, const TSQueryPredicateStep *s, uint32_t n, unsigned needs)
{
    bool is_name = true, is_setting = false;
    for (uint32_t i = 0; i < n; i++) {
        const char *word =
            s[i].type == TSQueryPredicateStepTypeString ? string_of(l->query, s[i].value_id) : NULL;
        if (is_name)
            is_setting = word && strcmp(word, "set!") == 0;
        else if (word && !is_setting)
            json_object_set_new(
                l->words, word,
                json_integer(json_integer_value(json_object_get(l->words, word)) | needs));
        is_name = s[i].type == TSQueryPredicateStepTypeDone;
    }
}

static void read_rule(struct linter *l, uint32_t pattern)
{
    uint32_t n;
    const TSQueryPredicateStep *s = ts_query_predicates_for_pattern(l->query, pattern, &n);
    struct query_rule *rule = &l->rules[pattern];
    rule->severity = "warning";
    for (uint32_t i = 0; i + 3 < n; i++)
        if (s[i].type == TSQueryPredicateStepTypeString &&
            strcmp(string_of(l->query, s[i].value_id), "set!") == 0)
            read_setting(rule, string_of(l->query, s[i + 1].value_id),
                         string_of(l->query, s[i + 2].value_id));
    CHECK(rule->code && rule->message);
    l->needs = rule->needs ? l->needs | rule->needs : ~0u;
    read_words(l, s, n, rule->needs);
}

void linter_queries_open(struct linter *l)
{
    uint32_t at = 0, n;
    TSQueryError error;
    l->query =
        ts_query_new(l->language, linter__queries, (uint32_t)strlen(linter__queries), &at, &error);
    if (!l->query)
        fprintf(stderr, "queries/python.scm: error %d at byte %u\n", (int)error, at);
    CHECK(l->query && ts_query_capture_count(l->query) <= CAPTURES_MAX);
    l->words = json_object();
    l->rules = xcalloc(ts_query_pattern_count(l->query), sizeof *l->rules);
    for (uint32_t p = 0; p < ts_query_pattern_count(l->query); p++)
        read_rule(l, p);
    for (uint32_t i = 0; i < ts_query_capture_count(l->query); i++) {
        const char *name = ts_query_capture_name_for_id(l->query, i, &n);
        l->capture_here = strcmp(name, "here") == 0 ? i : l->capture_here;
        l->capture_stop = strcmp(name, "stop") == 0 ? i : l->capture_stop;
    }
}

void linter_queries_close(struct linter *l)
{
    ts_query_delete(l->query);
    json_decref(l->words);
    free(l->rules);
}

/* ---- predicates ------------------------------------------------------------------------------ */

static struct str text_of(const struct match *m, TSNode node)
{
    struct str s = str_from(m->text, ts_node_start_byte(node));
    s.len = ts_node_end_byte(node) - ts_node_start_byte(node);
    return s;
}

static struct str operand(const struct match *m, const TSQueryPredicateStep *step)
{
    if (step->type == TSQueryPredicateStepTypeCapture)
        return text_of(m, m->nodes[step->value_id]);
    return str_of(string_of(m->l->query, step->value_id));
}

static bool is_any_of(const struct match *m, const TSQueryPredicateStep *args, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (str_eq(operand(m, &args[0]), operand(m, &args[i])))
            return true;
    return false;
}

static bool is_bound(const char *kind)
{
    return strcmp(kind, "function_definition") == 0 || strcmp(kind, "class_definition") == 0 ||
           strcmp(kind, "lambda") == 0;
}

/* Asking a node for its parent walks down from the root each time; hence the limit. */
static bool is_within(const struct match *m, const TSQueryPredicateStep *args, uint32_t n)
{
    TSNode node = ts_node_parent(m->nodes[args[0].value_id]);
    for (int depth = 0; !ts_node_is_null(node) && depth < LINT_ANCESTORS_MAX; depth++) {
        const char *kind = ts_node_type(node);
        for (uint32_t i = 1; i < n; i++)
            if (strcmp(kind, string_of(m->l->query, args[i].value_id)) == 0)
                return true;
        if (is_bound(kind))
            return false;
        node = ts_node_parent(node);
    }
    return false;
}

/* A break of an inner loop leaves only that, unless it stands in that loop's `else`. */
static bool lacks_break(TSNode body)
{
    TSTreeCursor c = ts_tree_cursor_new(body);
    bool found = false, more = ts_tree_cursor_goto_first_child(&c);
    int depth = 1;
    while (more && !found) {
        TSNode node = ts_tree_cursor_current_node(&c);
        const char *kind = ts_node_type(node), *name = ts_tree_cursor_current_field_name(&c);
        bool inner = is_bound(kind);
        if (strcmp(kind, "block") == 0 && name && strcmp(name, "body") == 0) {
            const char *owner = ts_node_type(ts_node_parent(node));
            inner = strcmp(owner, "for_statement") == 0 || strcmp(owner, "while_statement") == 0;
        }
        found = strcmp(kind, "break_statement") == 0;
        if (!inner && ts_tree_cursor_goto_first_child(&c)) {
            depth++;
            continue;
        }
        while (!(more = ts_tree_cursor_goto_next_sibling(&c)) && depth > 1 &&
               ts_tree_cursor_goto_parent(&c))
            depth--;
    }
    ts_tree_cursor_delete(&c);
    return !found;
}

/* Whether the outermost statement around the node begins at the margin. Where it does not, the
 * grammar lost a block: it ends one at a comment in the first column, which CPython does not. */
static bool is_rooted(TSNode node)
{
    TSNode parent = ts_node_parent(node);
    for (int depth = 0; !ts_node_is_null(parent) && depth < LINT_ANCESTORS_MAX; depth++) {
        TSNode above = ts_node_parent(parent);
        if (ts_node_is_null(above))
            break;
        node = parent;
        parent = above;
    }
    return ts_node_start_point(node).column == 0;
}

static bool holds(const struct match *m, const char *name, const TSQueryPredicateStep *args,
                  uint32_t n)
{
    if (strcmp(name, "set!") == 0)
        return true;
    if (strcmp(name, "eq?") == 0 || strcmp(name, "any-of?") == 0)
        return is_any_of(m, args, n);
    if (strcmp(name, "within?") == 0)
        return is_within(m, args, n);
    if (strcmp(name, "not-within?") == 0)
        return !is_within(m, args, n);
    if (strcmp(name, "rooted?") == 0)
        return is_rooted(m->nodes[args[0].value_id]);
    CHECK(strcmp(name, "lacks-break?") == 0);
    return lacks_break(m->nodes[args[0].value_id]);
}

static bool all_hold(const struct match *m, uint32_t pattern)
{
    uint32_t n, from = 0;
    const TSQueryPredicateStep *s = ts_query_predicates_for_pattern(m->l->query, pattern, &n);
    for (uint32_t i = 0; i < n; i++)
        if (s[i].type == TSQueryPredicateStepTypeDone) {
            if (!holds(m, string_of(m->l->query, s[from].value_id), s + from + 1, i - from - 1))
                return false;
            from = i + 1;
        }
    return true;
}

/* ---- what is said ---------------------------------------------------------------------------- */

/* The statement after one that always leaves; none if it is a bare `yield`, which stands there to
 * make a generator of its function. */
static TSNode statement_after(const struct match *m, TSNode stop)
{
    TSNode none = {0}, next = ts_node_next_named_sibling(stop);
    while (!ts_node_is_null(next) && m->l->kinds[ts_node_symbol(next)] == NODE_COMMENT)
        next = ts_node_next_named_sibling(next);
    if (ts_node_is_null(next) || strcmp(ts_node_type(next), "else_clause") == 0)
        return none;
    TSNode first = ts_node_named_child(next, 0);
    bool yields = !ts_node_is_null(first) && strcmp(ts_node_type(first), "yield") == 0;
    return yields ? none : next;
}

/* The message with {name} replaced by the text of that capture. */
static void fill_in(const struct match *m, const char *message, struct buf *ret)
{
    for (const char *s = message; *s; s++) {
        const char *end = *s == '{' ? strchr(s, '}') : NULL;
        uint32_t n, k = 0;
        if (!end) {
            buf_char(ret, *s);
            continue;
        }
        while (strncmp(ts_query_capture_name_for_id(m->l->query, k, &n), s + 1,
                       (size_t)(end - s - 1)) != 0)
            CHECK(++k < ts_query_capture_count(m->l->query));
        struct str text = text_of(m, m->nodes[k]);
        buf_add(ret, text.s, text.len < LINT_NAME_BYTES_MAX ? text.len : 0);
        s = end;
    }
}

static void report(const struct match *m, uint32_t pattern, json_t *diagnostics)
{
    const struct query_rule *rule = &m->l->rules[pattern];
    TSNode at = m->nodes[m->l->capture_here], stop = m->nodes[m->l->capture_stop];
    if (!ts_node_is_null(stop))
        at = statement_after(m, stop);
    if (ts_node_is_null(at))
        return;
    struct buf message = {0};
    fill_in(m, rule->message, &message);
    linter_diagnose(diagnostics, m->text, ts_node_start_byte(at), rule->severity, rule->code, "%s",
                    buf_view(&message).s);
    buf_free(&message);
}

void linter_queries_run(const struct linter *l, struct str text, const TSTree *tree, unsigned signs,
                        json_t *diagnostics)
{
    TSQueryMatch found;
    if (!(signs & l->needs) && l->needs != ~0u)
        return;
    TSQueryCursor *cursor = ts_query_cursor_new();
    ts_query_cursor_set_match_limit(cursor, MATCHES_AT_ONCE);
    ts_query_cursor_exec(cursor, l->query, ts_tree_root_node(tree));
    for (int n = 0; n < MATCHES_MAX && json_array_size(diagnostics) < LINT_DIAGNOSTICS_MAX &&
                    ts_query_cursor_next_match(cursor, &found);
         n++) {
        struct match m = {.l = l, .text = text};
        for (uint16_t i = 0; i < found.capture_count; i++)
            m.nodes[found.captures[i].index] = found.captures[i].node;
        if (all_hold(&m, found.pattern_index))
            report(&m, found.pattern_index, diagnostics);
    }
    ts_query_cursor_delete(cursor);
}
