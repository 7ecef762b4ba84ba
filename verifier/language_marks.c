/* language_marks.c: what the lines of a text look like, without parsing it: points for marks
 * that one language's programmers write and others do not, and for lines that read as prose.
 *
 * A mark is a piece of a line: its start, its end, all of it, or anywhere in it. Each counts a
 * few times at most, so that no single habit decides. Lines inside triple quotes are skipped,
 * comments are prose to none. */
#include <ctype.h>

#include "language.h"

enum { TEXT_BYTES_MAX = 64 << 10, LINE_BYTES_MAX = 400, COUNTED_TIMES = 4, NAMES_MAX = 48 };

struct mark {
    const char *language, *text; /* the text begins with its place: ^ $ = * */
    float points;
};

#define PYTHON "python"
#define DATA   "data"
#define PSEUDO "pseudo"
#define CURLY  "curly"

static const struct mark marks[] = {
#include "verifier/language_marks.inc"
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
    bool words = spaces >= 3 || (spaces >= 1 && (last == '.' || last == '!' || last == '?'));
    return words && (letters + wide) * 100 > line.len * 70 && signs * 100 <= line.len * 6;
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
    ptrdiff_t colon = str_find(line, STR("):"), 0);
    if (colon < 0)
        return str_find(line, STR(") -> "), 0) >= 0 && memchr(line.s, ':', line.len);
    struct str rest = trimmed(str_from(line, (size_t)colon + 2));
    return rest.len == 0 || !isupper((unsigned char)rest.s[0]);
}

/* Points by language name; the table is small and its names are the table's own pointers. */
struct scores {
    const char *names[NAMES_MAX];
    double points[NAMES_MAX];
    int n;
};

static double *score_of(struct scores *s, const char *name)
{
    int i = 0;
    while (i < s->n && strcmp(s->names[i], name) != 0)
        i++;
    if (i == s->n) {
        CHECK(s->n < NAMES_MAX);
        s->names[s->n++] = name;
    }
    return &s->points[i];
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

static void score_line(struct str line, unsigned char *times, struct scores *s)
{
    for (size_t i = 0; i < COUNT_OF(marks); i++)
        if (times[i] < COUNTED_TIMES && mark_is_in(&marks[i], line)) {
            times[i]++;
            *score_of(s, marks[i].language) += (double)marks[i].points;
        }
}

void language_marks(struct str text, struct mark_facts *ret)
{
    struct mark_facts f = {.best_name = "unknown"};
    struct scores s = {0};
    unsigned char times[COUNT_OF(marks)] = {0};
    size_t bare_defs = 0, ends = 0;
    char quote = 0;
    if (text.len > TEXT_BYTES_MAX)
        text.len = TEXT_BYTES_MAX;
    for (size_t at = 0; at < text.len;) {
        const char *end = memchr(text.s + at, '\n', text.len - at);
        struct str line = {text.s + at, (size_t)((end ? end : text.s + text.len) - (text.s + at))};
        at += line.len + 1;
        if (line.len > LINE_BYTES_MAX)
            line.len = LINE_BYTES_MAX;
        line = trimmed(line);
        if (line.len == 0)
            continue;
        f.lines++;
        bool inside = quote != 0, quoted = in_triple_quotes(line, &quote),
             def = !inside && is_python_def(line);
        if (quoted) {
            f.comment_lines++;
            f.python_defs += def;
            continue;
        }
        score_line(line, times, &s);
        bool block = def || opens_python_block(line);
        f.python_defs += def || (block && str_starts(line, STR("class ")));
        f.python_blocks += block;
        bare_defs += !def && str_starts(line, STR("def ")) && !memchr(line.s, ':', line.len);
        ends += str_eq(line, STR("end"));
        if (is_comment(line))
            f.comment_lines++;
        else if (is_prose(line))
            f.prose_lines++;
        else
            f.code_lines++;
    }
    f.python = *score_of(&s, PYTHON) + 1.5 * (double)(f.python_blocks < 8 ? f.python_blocks : 8);
    if (bare_defs && ends) /* a `def` without its colon alone is Python with a slip */
        *score_of(&s, "ruby") += 2.5;
    f.data = *score_of(&s, DATA);
    f.pseudo = *score_of(&s, PSEUDO);
    f.curly = *score_of(&s, CURLY);
    for (int i = 0; i < s.n; i++) {
        const char *n = s.names[i];
        if (strcmp(n, PYTHON) != 0 && strcmp(n, DATA) != 0 && strcmp(n, PSEUDO) != 0 &&
            strcmp(n, CURLY) != 0 && s.points[i] > f.best) {
            f.best = s.points[i];
            f.best_name = n;
        }
    }
    *ret = f;
}
