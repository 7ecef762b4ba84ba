/* language_lines.c: what the lines of a text look like, without parsing it: lines that read as
 * prose, lines that open a Python block, and marks of what is written to be read, not run. Each
 * mark counts a few times at most, so that no single habit decides. */
#include <ctype.h>

#include "language.h"

enum { TEXT_BYTES_MAX = 64 << 10, LINE_BYTES_MAX = 400, COUNTED_TIMES = 4 };

/* A mark is a piece of a line; it begins with where it must stand: ^ at the start of a line, $ at
 * its end, = alone on it, * anywhere in it. */
struct mark {
    const char *text;
    float points;
};

static const struct mark pseudo_marks[] = {
    {"* returns ", 1.5f}, {"* <- ", 1.4f},          {"^inputs:", 3},      {"^input:", 2},
    {"^output:", 2},      {"^for each ", 2},        {"$ do", 1},          {"$ then", 1},
    {"* then ", 1.2f},    {"=end for", 3},          {"=end if", 3},       {"=end while", 3},
    {"^procedure ", 2},   {"^Algorithm", 2},        {"=repeat", 1.5f},    {"=loop do", 2},
    {"^until ", 1.5f},    {"*\xe2\x86\x90", 2},     {"*\xe2\x88\x88", 1}, {"*\xe2\x89\xa0", 1},
    {"* is not ", 0.4f},  {"^persistent:", 2},      {"^set ", 1},         {"^Step ", 1},
    {"^function ", 0.7f}, {"^local variables:", 3}, {"^FOR ", 2},         {"^IF ", 2},
    {"=BEGIN", 2},        {"^END", 1.5f},           {"^WHILE ", 2},       {"^RETURN", 2},
    {"^SET ", 2},
};

static const struct mark markup_marks[] = {
    {"^<!DOCTYPE", 5},
    {"^## ", 2},
    {"^### ", 2.5f},
    {"^```", 3},
    {"^<!--", 2},
    {"^![", 2},
    {"*\\frac", 2},
    {"*\\begin{", 3},
    {"*$$", 1},
    {"*\\le", 1.5f},
    {"*\\ge", 1.5f},
    {"*\\math", 2},
    {"*\\ldots", 2},
    {"*\\cdot", 2},
    {"*\\sqrt", 2},
    {"*\\angle", 2},
    {"*\\operatorname", 3},
    {"*\\quad", 2},
    {"*\\text", 1},
    {"*\\times", 2},
    {"*^{", 1},
    {"*_{", 1},
    {"*\\circ", 2},
    {"*\\sum", 2},
    {"*\\infty", 2},
};

static struct str trimmed(struct str s)
{
    while (s.len && isspace((unsigned char)s.s[0]))
        s = str_from(s, 1);
    while (s.len && isspace((unsigned char)s.s[s.len - 1]))
        s.len--;
    return s;
}

static bool ends_with(struct str s, struct str end)
{
    return s.len >= end.len && memcmp(s.s + s.len - end.len, end.s, end.len) == 0;
}

static bool mark_is_in(const struct mark *m, struct str line)
{
    struct str text = str_of(m->text + 1);
    switch (m->text[0]) {
    case '^':
        return str_starts(line, text);
    case '$':
        return ends_with(line, text);
    case '=':
        return str_eq(line, text);
    default:
        return str_find(line, text, 0) >= 0;
    }
}

static bool is_comment(struct str line)
{
    return line.s[0] == '#' || str_starts(line, STR("//")) || str_starts(line, STR("/*")) ||
           str_starts(line, STR("* ")) || str_starts(line, STR("--")) ||
           str_starts(line, STR("*/"));
}

/* A line of words: several, mostly letters, and hardly a sign that a program needs. */
static bool is_prose(struct str line)
{
    size_t letters = 0, spaces = 0, signs = 0, wide = 0;
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.s[i];
        letters += isalpha(c) != 0;
        spaces += c == ' ';
        wide += c >= 0x80;
        signs += c && strchr("{}[]()=<>;:_+*/\\|&%$#@^~\"`", c) != NULL;
    }
    char last = line.s[line.len - 1];
    if (wide * 2 > line.len)
        return true;
    if (last == ';' || last == '{' || last == '}' || last == '(' || last == '[')
        return false;
    if (str_starts(line, STR("from ")) && str_find(line, STR(" import "), 0) > 0)
        return false;
    bool words = spaces >= 3 || (spaces >= 1 && (last == '.' || last == '!' || last == '?'));
    return words && (letters + wide) * 100 > line.len * 70 && signs * 100 <= line.len * 6;
}

/* "I do not know.": too short for the rule above, yet nothing that a program could begin with. */
static bool is_words(struct str line)
{
    static const char *const keywords[] = {
        "and",   "as",     "assert", "async", "await", "class",    "def",    "del",  "elif",
        "else",  "exec",   "except", "for",   "from",  "finally",  "global", "if",   "import",
        "in",    "is",     "lambda", "match", "not",   "nonlocal", "or",     "pass", "print",
        "raise", "return", "try",    "while", "with",  "yield"};
    size_t letters = 0, first = 0;
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.s[i];
        letters += isalpha(c) || c >= 0x80;
        if (!isalnum(c) && c < 0x80 && !strchr(" \t'.,!?;-\"", c))
            return false;
    }
    while (first < line.len && isalpha((unsigned char)line.s[first]))
        first++;
    for (size_t i = 0; i < COUNT_OF(keywords); i++)
        if (str_eq(str_make(line.s, first), str_of(keywords[i])))
            return false;
    return letters > 0;
}

/* Lines that open a Python block: `def f(x):`, `else:`, ... */
static bool opens_python_block(struct str line)
{
    static const char *const words[] = {
        "def ", "class ", "if ",   "elif ",  "else:",    "for ",   "while ",
        "try:", "except", "with ", "async ", "finally:", "match ", "case "};
    ptrdiff_t comment = str_find(line, STR("  #"), 0);
    if (comment > 0)
        line = trimmed(str_make(line.s, (size_t)comment));
    if (!ends_with(line, STR(":")))
        return false;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_starts(line, str_of(words[i])))
            return true;
    return false;
}

/* `def f(x):` with or without something after it, but not Scala's `def f(x: Int): Int = ...`. */
static bool is_python_def(struct str line)
{
    if (!str_starts(line, STR("def ")) || ends_with(line, STR("{")))
        return false;
    if (ends_with(line, STR(":")))
        return true;
    ptrdiff_t colon = str_find(line, STR("):"), 0);
    if (colon < 0)
        return str_find(line, STR(") -> "), 0) >= 0 && memchr(line.s, ':', line.len);
    struct str rest = trimmed(str_from(line, (size_t)colon + 2));
    return rest.len == 0 || !isupper((unsigned char)rest.s[0]);
}

/* Whether the line lies, at least in part, inside a triple-quoted string; *quote is the open
 * one. */
static bool in_triple_quotes(struct str line, char *quote)
{
    bool inside = *quote != 0;
    for (size_t i = 0; i + 2 < line.len; i++) {
        char c = line.s[i];
        if ((c != '"' && c != '\'') || line.s[i + 1] != c || line.s[i + 2] != c ||
            (*quote && *quote != c))
            continue;
        *quote = *quote ? 0 : c;
        inside = true;
        i += 2;
    }
    return inside;
}

/* `def f(x)` or `def f(x) return x`: a colon forgotten, or Ruby, whose functions have an end. */
static bool is_bare_def(struct str line)
{
    return str_starts(line, STR("def ")) &&
           (ends_with(line, STR(")")) || str_find(line, STR(") return "), 0) >= 0);
}

static void add_marks(struct str line, const struct mark *marks, size_t n, unsigned char *times,
                      double *points)
{
    for (size_t i = 0; i < n; i++)
        if (times[i] < COUNTED_TIMES && mark_is_in(&marks[i], line)) {
            times[i]++;
            *points += (double)marks[i].points;
        }
}

/* A line, trimmed, cut off the text from *at on. */
static struct str take_line(struct str text, size_t *at)
{
    const char *end = memchr(text.s + *at, '\n', text.len - *at);
    struct str line = str_from(text, *at);
    if (end)
        line.len = (size_t)(end - line.s);
    *at += line.len + 1;
    if (line.len > LINE_BYTES_MAX)
        line.len = LINE_BYTES_MAX;
    return trimmed(line);
}

void language_lines(struct str text, struct line_facts *ret)
{
    struct line_facts f = {0};
    unsigned char pseudo[COUNT_OF(pseudo_marks)] = {0}, markup[COUNT_OF(markup_marks)] = {0};
    size_t bare_defs = 0;
    char quote = 0;
    if (text.len > TEXT_BYTES_MAX)
        text.len = TEXT_BYTES_MAX;
    for (size_t at = 0; at < text.len;) {
        struct str line = take_line(text, &at);
        if (line.len == 0)
            continue;
        f.lines++;
        bool inside = quote != 0, quoted = in_triple_quotes(line, &quote),
             def = !inside && is_python_def(line);
        f.defs += def || (!inside && str_starts(line, STR("class ")) && ends_with(line, STR(":")));
        f.blocks += !quoted && (def || opens_python_block(line));
        bare_defs += !quoted && is_bare_def(line);
        f.prompts += str_starts(line, STR(">>> "));
        f.ends += str_eq(line, STR("end"));
        if (quoted || is_comment(line))
            f.comments++;
        else {
            f.prose += is_prose(line);
            f.words += is_words(line);
        }
        if (quoted)
            continue;
        add_marks(line, pseudo_marks, COUNT_OF(pseudo_marks), pseudo, &f.pseudo);
        add_marks(line, markup_marks, COUNT_OF(markup_marks), markup, &f.markup);
    }
    f.defs += f.ends ? 0 : bare_defs;
    *ret = f;
}
