/* lint_signature.c: whether the entry point can take what it will be given.
 *
 * How many arguments that is, the tests' own calls say; where they are not at hand, a model does:
 * the reference, or what the problem shows. Only counts are compared, only of plain definitions,
 * and only a program that cannot take any such call is told so. */
#include <limits.h>

#include "base/check.h"
#include "linter.h"

static struct str text_of(struct str text, TSNode node)
{
    struct str s = str_from(text, ts_node_start_byte(node));
    s.len = ts_node_end_byte(node) - ts_node_start_byte(node);
    return s;
}

static bool is_kind(TSNode node, const char *kind)
{
    return !ts_node_is_null(node) && strcmp(ts_node_type(node), kind) == 0;
}

static void count_parameter(TSNode node, struct signature *s, bool *by_name)
{
    TSNode inner = is_kind(node, "typed_parameter") ? ts_node_named_child(node, 0) : node;
    if (is_kind(inner, "list_splat_pattern")) {
        s->most = INT_MAX;
        *by_name = true;
    } else if (is_kind(inner, "keyword_separator")) {
        *by_name = true;
    } else if (is_kind(inner, "identifier") || is_kind(inner, "tuple_pattern")) {
        s->named_only |= *by_name;
        s->least += !*by_name;
        s->most += !*by_name && s->most < INT_MAX;
    } else if (strstr(ts_node_type(inner), "default_parameter")) {
        s->most += !*by_name && s->most < INT_MAX;
    }
}

static struct signature signature_of(const struct linter *l, TSNode def)
{
    TSNode parameters = ts_node_child_by_field_name(def, "parameters", 10);
    TSNode name = ts_node_child_by_field_id(def, l->name);
    struct signature s = {.known = !ts_node_is_null(parameters)};
    TSTreeCursor c = ts_tree_cursor_new(parameters);
    bool by_name = false, more = s.known && ts_tree_cursor_goto_first_child(&c);
    for (; more; more = ts_tree_cursor_goto_next_sibling(&c))
        count_parameter(ts_tree_cursor_current_node(&c), &s, &by_name);
    ts_tree_cursor_delete(&c);
    s.at = ts_node_is_null(name) ? 0 : ts_node_start_byte(name);
    return s;
}

/* The last definition of the name in a module or a class body. One that is decorated, or assigned,
 * may be anything. */
static TSNode definition_of(const struct linter *l, struct str text, TSNode body, struct str name,
                            bool *ret_plain)
{
    TSNode found = {0};
    TSTreeCursor c = ts_tree_cursor_new(body);
    *ret_plain = true;
    for (bool more = ts_tree_cursor_goto_first_child(&c); more;
         more = ts_tree_cursor_goto_next_sibling(&c)) {
        TSNode node = ts_tree_cursor_current_node(&c), inner = node;
        if (is_kind(node, "decorated_definition"))
            inner = ts_node_child_by_field_name(node, "definition", 10);
        else if (is_kind(node, "expression_statement"))
            inner = ts_node_named_child(node, 0);
        TSNode named = is_kind(inner, "assignment") ? ts_node_child_by_field_id(inner, l->left)
                                                    : ts_node_child_by_field_id(inner, l->name);
        if (ts_node_is_null(named) || !str_eq(text_of(text, named), name))
            continue;
        found = inner;
        *ret_plain = ts_node_eq(inner, node);
    }
    ts_tree_cursor_delete(&c);
    return found;
}

/* `entry_point` is a function's name, or "Class.method" of a fresh object. */
static struct signature entry_signature(const struct linter *l, struct str text, const TSTree *tree,
                                        struct str entry_point)
{
    struct signature unknown = {0};
    TSNode body = ts_tree_root_node(tree);
    const char *dot = memchr(entry_point.s, '.', entry_point.len);
    bool plain;
    if (dot) {
        struct str name = str_make(entry_point.s, (size_t)(dot - entry_point.s));
        TSNode class = definition_of(l, text, body, name, &plain);
        if (!is_kind(class, "class_definition") || !plain)
            return unknown;
        body = ts_node_child_by_field_name(class, "body", 4);
        entry_point = str_from(entry_point, name.len + 1);
    }
    TSNode def = definition_of(l, text, body, entry_point, &plain);
    if (!is_kind(def, "function_definition") || !plain)
        return unknown;
    struct signature s = signature_of(l, def);
    if (dot && s.most < INT_MAX)
        s.most--;
    if (dot)
        s.least -= s.least > 0;
    return s;
}

static bool takes(const struct signature *s, int n)
{
    return n >= s->least && n <= s->most && !s->named_only;
}

static void complain(json_t *diagnostics, struct str text, const struct signature *s,
                     struct str entry_point, int given)
{
    char takes_text[48];
    if (s->named_only)
        snprintf(takes_text, sizeof takes_text, "arguments by name");
    else if (s->most == INT_MAX)
        snprintf(takes_text, sizeof takes_text, "at least %d", s->least);
    else if (s->most == s->least)
        snprintf(takes_text, sizeof takes_text, "%d", s->least);
    else
        snprintf(takes_text, sizeof takes_text, "%d to %d", s->least, s->most);
    linter_diagnose(diagnostics, text, s->at, "error", "wrong-parameters",
                    "`%.*s` is called with %d argument%s, but takes %s", (int)entry_point.len,
                    entry_point.s, given, given == 1 ? "" : "s", takes_text);
}

static struct signature model_signature(struct linter *l, struct str model, struct str name)
{
    bool is_new;
    struct known *k = linter_known(l, 'm', name, model, &is_new);
    TSTree *tree = is_new ? linter_parse(l, model) : NULL;
    if (tree)
        k->signature = entry_signature(l, model, tree, name);
    return k->signature;
}

void linter_signature(struct linter *l, struct str text, const TSTree *tree, const json_t *job,
                      json_t *diagnostics)
{
    const json_t *calls = json_object_get(job, "calls"), *count;
    struct str name = str_of(json_string_value(json_object_get(job, "entry_point")));
    struct str model = str_of(json_string_value(json_object_get(job, "model")));
    struct signature s = {0}, wanted = {0};
    size_t i;
    if (name.len && name.len < LINT_NAME_BYTES_MAX)
        s = entry_signature(l, text, tree, name);
    if (!s.known)
        return;
    json_array_foreach (calls, i, count) {
        int n = (int)json_integer_value(count);
        if (!takes(&s, n)) {
            complain(diagnostics, text, &s, name, n);
            return;
        }
    }
    if (model.len && !json_array_size(calls))
        wanted = model_signature(l, model, name);
    if (wanted.known && !wanted.named_only &&
        (s.named_only || s.most < wanted.least || s.least > wanted.most))
        complain(diagnostics, text, &s, name, wanted.least);
}
