/* lint_tree.c: what the grammar makes of a text, in numbers.
 *
 * An error's size is the text that the grammar skipped: inside an ERROR node, everything but those
 * children that run over several lines, which the parser did recognise. Walks use a cursor,
 * never the C stack. */
#include "linter.h"

enum { MISSING_BYTES = 2 };

static bool next_node(TSTreeCursor *c, bool descend)
{
    if (descend && ts_tree_cursor_goto_first_child(c))
        return true;
    while (!ts_tree_cursor_goto_next_sibling(c))
        if (!ts_tree_cursor_goto_parent(c))
            return false;
    return true;
}

static bool is_error(TSNode node)
{
    return ts_node_symbol(node) == (TSSymbol)-1;
}

static size_t ink(struct str text, uint32_t from, uint32_t to)
{
    size_t n = 0;
    for (uint32_t i = from; i < to && i < text.len; i++)
        n += (unsigned char)text.s[i] > ' ';
    return n;
}

/* The ink of an ERROR node that belongs to none of its children of several lines. */
static size_t error_ink(struct str text, TSNode node)
{
    size_t n = ink(text, ts_node_start_byte(node), ts_node_end_byte(node));
    TSTreeCursor c = ts_tree_cursor_new(node);
    if (ts_tree_cursor_goto_first_child(&c))
        do {
            TSNode child = ts_tree_cursor_current_node(&c);
            if (ts_node_start_point(child).row != ts_node_end_point(child).row)
                n -= ink(text, ts_node_start_byte(child), ts_node_end_byte(child));
        } while (ts_tree_cursor_goto_next_sibling(&c));
    ts_tree_cursor_delete(&c);
    return n;
}

static size_t error_bytes(struct str text, const TSTree *tree)
{
    TSTreeCursor c = ts_tree_cursor_new(ts_tree_root_node(tree));
    size_t n = 0;
    bool descend;
    do {
        TSNode node = ts_tree_cursor_current_node(&c);
        descend = ts_node_has_error(node);
        if (is_error(node))
            n += error_ink(text, node);
        else if (ts_node_is_missing(node))
            n += MISSING_BYTES;
    } while (next_node(&c, descend));
    ts_tree_cursor_delete(&c);
    return n;
}

/* `a <- b` is `a < -b` to Python. */
static bool is_arrow(struct str text, TSNode node)
{
    struct str s = str_from(text, ts_node_start_byte(node));
    s.len = ts_node_end_byte(node) - ts_node_start_byte(node);
    return str_find(s, STR("<-"), 0) >= 0;
}

static void count_expression(const struct linter *l, struct str text, TSNode statement,
                             struct tree_facts *f)
{
    TSNode node = ts_node_named_child(statement, 0);
    bool single = ts_node_named_child_count(statement) == 1;
    enum node_kind kind = single && !ts_node_is_null(node) ? linter_kind(l, node) : NODE_OTHER;
    switch (kind) {
    case NODE_ASSIGNMENT:
        if (ts_node_is_null(ts_node_child_by_field_id(node, l->right)))
            f->annotations++;
        else
            f->statements++;
        break;
    case NODE_AUGMENTED:
    case NODE_CALL:
    case NODE_EFFECT:
    case NODE_NAMED:
        f->statements++;
        break;
    case NODE_COMPARISON:
        if (is_arrow(text, node))
            f->arrows++;
        else
            f->names++;
        break;
    case NODE_LITERAL:
    case NODE_CONTAINER:
    case NODE_CONSTANT:
    case NODE_STRING:
        f->literals++;
        break;
    default:
        f->names++;
    }
}

void linter_count(const struct linter *l, struct str text, TSNode node, enum node_kind kind,
                  struct tree_facts *f)
{
    switch (kind) {
    case NODE_EXPRESSION_STATEMENT:
        count_expression(l, text, node, f);
        break;
    case NODE_STATEMENT:
    case NODE_LEAVE:
    case NODE_ASSERT:
    case NODE_SCOPE_WORD:
        f->statements++;
        break;
    case NODE_FIRM:
    case NODE_WHILE:
    case NODE_LOOP:
    case NODE_DEF:
    case NODE_CLASS:
    case NODE_IMPORT:
        f->statements++;
        f->firm++;
        break;
    case NODE_PYTHON2:
        f->python2++;
        f->statements++;
        break;
    case NODE_EXCEPT: {
        TSNode comma = ts_node_child(node, 2);
        if (!ts_node_is_null(comma) && strcmp(ts_node_type(comma), ",") == 0)
            f->python2++;
        break;
    }
    case NODE_PYTHON3:
        f->python3++;
        break;
    default:
        break;
    }
}

void linter_facts(struct str text, const TSTree *python, struct tree_facts *facts)
{
    facts->parsed = python != NULL;
    facts->bytes = ink(text, 0, (uint32_t)text.len);
    if (!python)
        facts->python_errors = facts->bytes;
    else if (ts_node_has_error(ts_tree_root_node(python)))
        facts->python_errors = error_bytes(text, python);
}
