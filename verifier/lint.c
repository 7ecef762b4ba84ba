/* lint.c: one text in, its language and what is wrong with it out.
 *
 * The text is hostile and may be a megabyte in one line. Every pass is linear apart from
 * parsing, and parsing stops at a time limit; a text too slow to parse is judged by its lines
 * alone. */
#include "lint.h"

#include <ctype.h>

#include "base/check.h"
#include "base/clock.h"
#include "linter.h"

enum {
    PARSE_TURN_US = 50000,
    PARSE_MS_MAX = 300,
    MESSAGE_BYTES_MAX = 200,
    SOURCE_BYTES_MAX = 200,
    BRACKETS_MAX = 200,
    TOKENS_MAX = 40000
};

const TSLanguage *tree_sitter_python(void);

static const struct {
    const char *type;
    unsigned char kind;
} node_kinds[] = {
    {"expression_statement", NODE_EXPRESSION_STATEMENT},
    {"assignment", NODE_ASSIGNMENT},
    {"augmented_assignment", NODE_AUGMENTED},
    {"call", NODE_CALL},
    {"await", NODE_EFFECT},
    {"yield", NODE_EFFECT},
    {"if_statement", NODE_FIRM},
    {"for_statement", NODE_LOOP},
    {"while_statement", NODE_WHILE},
    {"try_statement", NODE_FIRM},
    {"with_statement", NODE_FIRM},
    {"match_statement", NODE_FIRM},
    {"decorated_definition", NODE_FIRM},
    {"function_definition", NODE_DEF},
    {"class_definition", NODE_CLASS},
    {"lambda", NODE_LAMBDA},
    {"return_statement", NODE_LEAVE},
    {"raise_statement", NODE_LEAVE},
    {"break_statement", NODE_JUMP},
    {"continue_statement", NODE_JUMP},
    {"assert_statement", NODE_ASSERT},
    {"delete_statement", NODE_STATEMENT},
    {"pass_statement", NODE_STATEMENT},
    {"import_statement", NODE_IMPORT},
    {"import_from_statement", NODE_IMPORT},
    {"future_import_statement", NODE_IMPORT},
    {"wildcard_import", NODE_STAR_IMPORT},
    {"aliased_import", NODE_ALIAS},
    {"global_statement", NODE_SCOPE_WORD},
    {"nonlocal_statement", NODE_SCOPE_WORD},
    {"print_statement", NODE_PYTHON2},
    {"exec_statement", NODE_PYTHON2},
    {"interpolation", NODE_PYTHON3},
    {"type", NODE_PYTHON3},
    {"except_clause", NODE_EXCEPT},
    {"for_in_clause", NODE_CLAUSE},
    {"named_expression", NODE_NAMED},
    {"parameters", NODE_PARAMETERS},
    {"lambda_parameters", NODE_PARAMETERS},
    {"default_parameter", NODE_DEFAULT},
    {"typed_default_parameter", NODE_DEFAULT},
    {"as_pattern_target", NODE_TARGET},
    {"type_parameter", NODE_TARGET},
    {"case_pattern", NODE_PATTERN},
    {"attribute", NODE_ATTRIBUTE},
    {"subscript", NODE_SUBSCRIPT},
    {"keyword_argument", NODE_KEYWORD},
    {"identifier", NODE_NAME},
    {"comparison_operator", NODE_COMPARISON},
    {"binary_operator", NODE_OPERATION},
    {"boolean_operator", NODE_OPERATION},
    {"not_operator", NODE_OPERATION},
    {"unary_operator", NODE_OPERATION},
    {"string", NODE_STRING},
    {"concatenated_string", NODE_LITERAL},
    {"integer", NODE_LITERAL},
    {"float", NODE_LITERAL},
    {"true", NODE_CONSTANT},
    {"false", NODE_CONSTANT},
    {"none", NODE_CONSTANT},
    {"list", NODE_CONTAINER},
    {"dictionary", NODE_CONTAINER},
    {"set", NODE_CONTAINER},
    {"comment", NODE_COMMENT},
};

static TSFieldId field(const TSLanguage *language, const char *name)
{
    TSFieldId id = ts_language_field_id_for_name(language, name, (uint32_t)strlen(name));
    CHECK(id);
    return id;
}

static unsigned char kind_of(const TSLanguage *language, TSSymbol symbol)
{
    const char *name = ts_language_symbol_name(language, symbol);
    TSSymbolType type = ts_language_symbol_type(language, symbol);
    if (type == TSSymbolTypeAnonymous)
        return strcmp(name, "is") == 0 || strcmp(name, "is not") == 0 ? NODE_IS : NODE_SIGN;
    for (size_t k = 0; k < COUNT_OF(node_kinds); k++)
        if (type == TSSymbolTypeRegular && strcmp(name, node_kinds[k].type) == 0)
            return node_kinds[k].kind;
    return NODE_OTHER;
}

void linter_open(struct linter *l)
{
    const TSLanguage *python = tree_sitter_python();
    *l = (struct linter){
        .language = python,
        .left = field(python, "left"),
        .right = field(python, "right"),
        .name = field(python, "name"),
        .type = field(python, "type"),
        .value = field(python, "value"),
        .attribute = field(python, "attribute"),
        .alias = field(python, "alias"),
    };
    uint32_t n = ts_language_symbol_count(python);
    l->kinds = xcalloc(n, 1);
    for (uint32_t i = 0; i < n; i++)
        l->kinds[i] = kind_of(python, (TSSymbol)i);
    linter_queries_open(l);
    linter_known_open(l);
    linter_memory_begin();
}

void linter_close(struct linter *l)
{
    linter_memory_end();
    linter_known_close(l);
    linter_queries_close(l);
    free(l->kinds);
}

/* The line that holds a byte; *ret_number counts from 1. */
static struct str line_at(struct str text, uint32_t at, int *ret_number)
{
    uint32_t from = 0;
    *ret_number = 1;
    for (uint32_t i = 0; i < at && i < text.len; i++)
        if (text.s[i] == '\n') {
            *ret_number += 1;
            from = i + 1;
        }
    struct str line = str_from(text, from);
    const char *end = memchr(line.s, '\n', line.len);
    return end ? str_make(line.s, (size_t)(end - line.s)) : line;
}

/* Characters, not bytes, before a byte of the line; a tab is one. Counted from 1. */
static int column_of(struct str line, size_t at)
{
    int column = 1;
    for (size_t i = 0; i < at && i < line.len; i++)
        column += ((unsigned char)line.s[i] & 0xc0) != 0x80;
    return column;
}

void linter_diagnose(json_t *diagnostics, struct str text, uint32_t at, const char *severity,
                     const char *code, const char *fmt, ...)
{
    char message[MESSAGE_BYTES_MAX];
    int number;
    va_list ap;
    if (json_array_size(diagnostics) >= LINT_DIAGNOSTICS_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    struct str line = line_at(text, at, &number);
    json_t *entry = json_pack("{s:i, s:i, s:s, s:s, s:s}", "line", number, "column",
                              column_of(line, (size_t)(text.s + at - line.s)), "code", code,
                              "severity", severity, "message", message);
    if (line.len <= SOURCE_BYTES_MAX && !memchr(line.s, 0, line.len))
        json_object_set_new(entry, "source", json_stringn(line.s, line.len));
    json_array_append_new(diagnostics, entry);
}

static int entry_order(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    json_int_t dl = json_integer_value(json_object_get(x, "line")) -
                    json_integer_value(json_object_get(y, "line"));
    json_int_t dc = json_integer_value(json_object_get(x, "column")) -
                    json_integer_value(json_object_get(y, "column"));
    return dl ? (dl > 0) - (dl < 0) : (dc > 0) - (dc < 0);
}

static json_t *sorted(json_t *array)
{
    json_t *v[LINT_DIAGNOSTICS_MAX], *ret = json_array();
    size_t n = json_array_size(array);
    CHECK(n <= LINT_DIAGNOSTICS_MAX);
    for (size_t i = 0; i < n; i++)
        v[i] = json_array_get(array, i);
    qsort(v, n, sizeof(json_t *), entry_order);
    for (size_t i = 0; i < n; i++)
        json_array_append(ret, v[i]);
    json_decref(array);
    return ret;
}

/* Whether the grammars had better not see a text. CPython refuses brackets nested 200 deep
 * anyway, and grammars spend memory without end on them. And this tree-sitter frees wild memory
 * once an ERROR node has 65,536 children, so tokens are counted, from above: words, signs, and
 * three for a line. Strings are not told apart; a text past the bounds is merely judged by its
 * lines. */
static bool is_too_much(struct str text)
{
    int depth = 0, tokens = 0;
    bool word = false;
    for (size_t i = 0; i < text.len && depth <= BRACKETS_MAX && tokens <= TOKENS_MAX; i++) {
        unsigned char c = (unsigned char)text.s[i];
        depth += c == '(' || c == '[' || c == '{';
        depth -= depth > 0 && (c == ')' || c == ']' || c == '}');
        bool letter = isalnum(c) || c == '_';
        tokens += c == '\n' ? 3 : c > ' ' && !(letter && word);
        word = letter;
    }
    return depth > BRACKETS_MAX || tokens > TOKENS_MAX;
}

TSTree *linter_parse(struct linter *l, struct str text)
{
    if (is_too_much(text))
        return NULL;
    if (l->parser) {
        ts_parser_reset(l->parser);
    } else {
        l->parser = ts_parser_new();
        CHECK(ts_parser_set_language(l->parser, l->language));
        ts_parser_set_timeout_micros(l->parser, PARSE_TURN_US);
    }
    /* The parser watches the wall's clock and, called again, goes on where it stopped: so what a text
     * is does not depend on how busy the host is. */
    const int64_t until = cpu_ns() + PARSE_MS_MAX * (int64_t)NS_PER_MS;
    TSTree *tree;
    do
        tree = ts_parser_parse_string(l->parser, NULL, text.s, (uint32_t)text.len);
    while (!tree && cpu_ns() < until);
    return tree;
}

/* Lines and tokens are looked at only where the grammar leaves a doubt. */
static const char *decide(struct str text, const struct tree_facts *tree)
{
    struct line_facts lines = {0};
    struct language_guess guess = {0};
    if (language_is_doubtful(tree)) {
        language_lines(text, &lines);
        language_guess(text, &guess);
    }
    return language_decide(tree, &lines, &guess);
}

/* What stands before every program of a problem; the names in it are looked for once. */
static const struct starter *read_starter(struct linter *l, struct str text)
{
    static const struct starter none;
    struct names names;
    bool is_new;
    if (!text.len)
        return &none;
    struct known *k = linter_known(l, 's', STR(""), text, &is_new);
    TSTree *tree = is_new ? linter_parse(l, text) : NULL;
    if (tree) {
        linter_names_read(l, text, tree, &names, NULL);
        k->starter = (struct starter){json_incref(names.bound), names.open_world};
        linter_names_free(&names);
    }
    return &k->starter;
}

static void diagnose(struct linter *l, struct str text, const TSTree *tree,
                     const struct names *names, const json_t *job, json_t *defines,
                     json_t *diagnostics)
{
    struct str starter = str_of(json_string_value(json_object_get(job, "starter")));
    const char *entry = json_string_value(json_object_get(job, "entry_point"));
    linter_names_report(text, tree, names, read_starter(l, starter), entry, defines, diagnostics);
    if (ts_node_has_error(ts_tree_root_node(tree)))
        return;
    linter_signature(l, text, tree, job, diagnostics);
    linter_queries_run(l, text, tree, names->signs, diagnostics);
}

json_t *linter_run(struct linter *l, const json_t *job)
{
    const json_t *source = json_object_get(job, "text");
    struct str text = str_make(json_string_value(source), json_string_length(source));
    struct tree_facts facts = {0};
    struct names names = {0};
    struct buf masked = {0};
    json_t *defines = json_array(), *diagnostics = json_array();
    if (text.len > LINT_TEXT_BYTES_MAX)
        text.len = LINT_TEXT_BYTES_MAX;
    bool notebook = linter_notebook(&text, &masked, diagnostics);
    const TSTree *python = linter_parse(l, text);
    if (python)
        linter_names_read(l, text, python, &names, &facts);
    linter_facts(text, python, &facts);
    const char *language = decide(text, &facts);
    bool parses = !notebook && python && !ts_node_has_error(ts_tree_root_node(python));
    if (strcmp(language, "python") != 0)
        json_array_clear(diagnostics);
    else if (python)
        diagnose(l, text, python, &names, job, defines, diagnostics);
    linter_names_free(&names);
    buf_free(&masked);
    ts_parser_delete(l->parser); /* a grammar's scanner is from malloc; the trees go below */
    l->parser = NULL;
    linter_memory_reset();
    return json_pack("{s:s, s:b, s:o, s:o}", "language", language, "parses", parses, "defines",
                     defines, "diagnostics", sorted(diagnostics));
}
