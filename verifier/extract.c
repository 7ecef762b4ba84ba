/* extract.c: the reply is any bytes; every pass is linear and none can fail.
 *
 *   clean     BOM dropped, CR and CRLF to LF, what is not UTF-8 (and NUL) to U+FFFD
 *   thoughts  <think>...</think> dropped; an unclosed one drops the rest. A </think> that nothing
 *             opened drops what is before it: chat templates often open the tag in the prompt
 *   marks     special tokens that a sampler left at the end, such as <|im_end|>, go
 *   answer    the last <answer> that is closed, else the last; if there is one
 *   fences    Markdown's: three or more backticks or tildes, closed by as many, indented at most
 *             three columns deeper than they were opened (a docstring's own fences are deeper).
 *             A closing run at the end of a line of code counts too, because models write it
 *   choice    fences tagged Python, else untagged, else of other languages, else the whole text;
 *             of several the last that defines the entry point, else the last. Blank ones are none
 *   imports   fences of the chosen kind before it that hold nothing but imports stand before it
 *   prose     without a fence, lines of prose before the first line of Python and after the last
 *             go: no Python program begins or ends with them
 *   dedent    common leading white space goes */
#include "verifier/extract.h"

#include <strings.h>

#include "base/utf8.h"

enum fence_class { FENCE_PYTHON, FENCE_UNTAGGED, FENCE_OTHER, FENCE_CLASSES };

struct fence {
    struct str body, tag;
    bool closed;
};

enum { IMPORT_FENCES_MAX = 4 };

struct choice {
    struct fence last[FENCE_CLASSES], defining[FENCE_CLASSES];
    struct str imports[IMPORT_FENCES_MAX]; /* bodies of Python fences that only import */
    int n_imports;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static bool is_blank(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_space(s.s[i]))
            return false;
    return true;
}

/* Takes one line, without its newline, off *rest; false at the end. */
static bool next_line(struct str *rest, struct str *ret)
{
    if (rest->len == 0)
        return false;
    const char *end = memchr(rest->s, '\n', rest->len);
    ret->s = rest->s;
    ret->len = end ? (size_t)(end - rest->s) : rest->len;
    *rest = str_from(*rest, ret->len + (end != NULL));
    return true;
}

static struct str clean(struct str raw, struct arena *a)
{
    char *out = arena_alloc(a, 3 * raw.len + 2);
    size_t n = 0;
    if (str_starts(raw, STR("\xef\xbb\xbf")))
        raw = str_from(raw, 3);
    for (size_t i = 0; i < raw.len;) {
        size_t len = utf8_char(str_make(raw.s + i, raw.len - i));
        if (raw.s[i] == '\r') {
            out[n++] = '\n';
            i += i + 1 < raw.len && raw.s[i + 1] == '\n' ? 2 : 1;
        } else if (len == 0 || raw.s[i] == 0) {
            memcpy(out + n, "\xef\xbf\xbd", 3);
            n += 3;
            i++;
        } else {
            memcpy(out + n, raw.s + i, len);
            n += len;
            i += len;
        }
    }
    return str_make(out, n);
}

static size_t find_or_end(struct str text, struct str needle, size_t from)
{
    ptrdiff_t at = str_find(text, needle, from);
    return at < 0 ? text.len : (size_t)at;
}

static struct str drop_thoughts(struct str text, struct arena *a)
{
    struct str open_tag = STR("<think>"), close_tag = STR("</think>");
    size_t open = find_or_end(text, open_tag, 0), close = find_or_end(text, close_tag, 0);
    if (open == text.len && close == text.len)
        return text;
    char *out = arena_alloc(a, text.len + 1);
    size_t n = 0, at = 0;
    while (at < text.len) {
        size_t upto = open < close ? open : close;
        memcpy(out + n, text.s + at, upto - at);
        n += upto - at;
        at = upto;
        if (at == text.len)
            break;
        if (close < open) {
            n = 0;
            at = close + close_tag.len;
        } else {
            at = close == text.len ? close : close + close_tag.len;
        }
        if (open < at)
            open = find_or_end(text, open_tag, at);
        if (close < at)
            close = find_or_end(text, close_tag, at);
    }
    return str_make(out, n);
}

/* Without </s>, <|eot_id|> and their like at the end: a name between bars, ASCII ones or U+FF5C. */
static struct str without_end_marks(struct str text)
{
    static const char wide_bar[] = "\xef\xbd\x9c";
    for (;;) {
        size_t end = text.len;
        while (end > 0 && is_space(text.s[end - 1]))
            end--;
        if (end == 0 || text.s[end - 1] != '>')
            return text;
        size_t at = end - 1;
        while (at > 0 && (is_word(text.s[at - 1]) || text.s[at - 1] == '|'))
            at--;
        struct str name = str_make(text.s + at, end - 1 - at);
        bool barred = str_starts(name, STR("|")) || str_starts(name, str_of(wide_bar));
        bool eos = at > 1 && text.s[at - 1] == '/' && str_eq(name, STR("s"));
        size_t from = eos ? at - 1 : at;
        if ((!barred && !eos) || from == 0 || text.s[from - 1] != '<')
            return text;
        text.len = from - 1;
    }
}

static ptrdiff_t find_last(struct str text, struct str tag)
{
    ptrdiff_t last = -1, at = -1;
    while ((at = str_find(text, tag, (size_t)(at + 1))) >= 0)
        last = at;
    return last;
}

/* The text of the last <answer> that is closed: prose behind it may speak of the tag. Else of the
 * last; false if there is none. */
static bool last_answer(struct str text, struct str *ret)
{
    struct str tag = STR("<answer>"), end_tag = STR("</answer>");
    ptrdiff_t end = find_last(text, end_tag);
    ptrdiff_t at = end < 0 ? -1 : find_last(str_make(text.s, (size_t)end), tag);
    at = at < 0 ? find_last(text, tag) : at;
    if (at < 0)
        return false;
    struct str body = str_from(text, (size_t)at + tag.len);
    body.len = find_or_end(body, end_tag, 0);
    *ret = body;
    return true;
}

/* Columns of leading white space; *ret_at is the first other byte. */
static size_t indent_of(struct str line, size_t *ret_at)
{
    size_t columns = 0, i = 0;
    for (; i < line.len && (line.s[i] == ' ' || line.s[i] == '\t'); i++)
        columns = line.s[i] == '\t' ? (columns | 7) + 1 : columns + 1;
    *ret_at = i;
    return columns;
}

static size_t run_of(struct str line, size_t at)
{
    size_t i = at;
    while (i < line.len && line.s[i] == line.s[at])
        i++;
    return i - at;
}

/* The first word of an info string: "python", "{.python}", "py:line-numbers" ... */
static struct str tag_of(struct str info)
{
    size_t start = 0, end;
    while (start < info.len && (is_space(info.s[start]) || strchr("{.", info.s[start])))
        start++;
    for (end = start; end < info.len && !is_space(info.s[end]) && !strchr("{},:;", info.s[end]);)
        end++;
    return str_make(info.s + start, end - start);
}

struct opening {
    char mark;
    size_t run, indent;
    struct str tag;
};

static bool opens_fence(struct str line, struct opening *ret)
{
    size_t at, indent = indent_of(line, &at);
    if (at >= line.len || (line.s[at] != '`' && line.s[at] != '~'))
        return false;
    size_t run = run_of(line, at);
    struct str info = str_from(line, at + run);
    if (run < 3 || (line.s[at] == '`' && memchr(info.s, '`', info.len)))
        return false;
    *ret = (struct opening){line.s[at], run, indent, tag_of(info)};
    return true;
}

/* Whether `line` closes the fence; *ret_code is how much of the line still belongs to its body. */
static bool closes_fence(struct str line, const struct opening *o, size_t *ret_code)
{
    size_t at, indent = indent_of(line, &at), end = line.len;
    while (end > at && is_space(line.s[end - 1]))
        end--;
    if (at == end)
        return false;
    if (line.s[at] == o->mark) {
        *ret_code = 0;
        return run_of(line, at) >= o->run && at + run_of(line, at) == end &&
               indent <= o->indent + 3;
    }
    const char *first = memchr(line.s + at, '`', end - at);
    *ret_code = first ? (size_t)(first - line.s) : 0;
    return o->mark == '`' && first && run_of(line, *ret_code) == o->run &&
           *ret_code + o->run == end;
}

static enum fence_class class_of(struct str tag)
{
    static const char *const names[] = {"python", "py", "python3", "py3"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (tag.len == strlen(names[i]) && strncasecmp(tag.s, names[i], tag.len) == 0)
            return FENCE_PYTHON;
    return tag.len ? FENCE_OTHER : FENCE_UNTAGGED;
}

/* Takes `word`, which must end at a word boundary, and the spaces after it off *s. */
static bool take_word(struct str *s, struct str word)
{
    if (!str_starts(*s, word) || (s->len > word.len && is_word(s->s[word.len])))
        return false;
    *s = str_from(*s, word.len);
    while (s->len && (s->s[0] == ' ' || s->s[0] == '\t'))
        *s = str_from(*s, 1);
    return true;
}

static bool defines(struct str body, struct str name)
{
    struct str line;
    size_t at, base = SIZE_MAX;
    while (next_line(&body, &line)) {
        size_t indent = indent_of(line, &at);
        struct str rest = str_from(line, at);
        if (rest.len == 0)
            continue;
        if (base == SIZE_MAX)
            base = indent;
        struct str def = rest, type = rest;
        take_word(&def, STR("async"));
        if (take_word(&def, STR("def")) && take_word(&def, name))
            return true;
        if (indent != base)
            continue;
        if (take_word(&type, STR("class")) && take_word(&type, name))
            return true;
        if (take_word(&rest, name) && rest.len && rest.s[0] == '=' &&
            !(rest.len > 1 && rest.s[1] == '='))
            return true;
    }
    return false;
}

/* Nothing but `import` lines and comments, flush left, and at least one of the former. */
static bool only_imports(struct str body)
{
    struct str line;
    bool any = false;
    while (next_line(&body, &line)) {
        bool import = str_starts(line, STR("import ")) ||
                      (str_starts(line, STR("from ")) && str_find(line, STR(" import "), 0) > 0);
        if (!import && !is_blank(line) && line.s[0] != '#')
            return false;
        any |= import;
    }
    return any;
}

static void keep_fence(struct choice *c, struct str body, struct str tag, bool closed,
                       const char *entry_point)
{
    struct fence f = {.body = body, .tag = tag, .closed = closed};
    enum fence_class k = class_of(tag);
    if (is_blank(body))
        return;
    /* Of another language's fences the longest says most about which language it is. */
    if (k == FENCE_OTHER && body.len < c->last[k].body.len)
        return;
    c->last[k] = f;
    if (k == FENCE_PYTHON && c->n_imports < IMPORT_FENCES_MAX && only_imports(body))
        c->imports[c->n_imports++] = body;
    if (entry_point && defines(body, str_of(entry_point)))
        c->defining[k] = f;
}

static void find_fences(struct str text, const char *entry_point, struct choice *c)
{
    struct str rest = text, line;
    struct opening o;
    while (next_line(&rest, &line)) {
        if (!opens_fence(line, &o))
            continue;
        struct str body = {rest.s, 0};
        size_t code = 0;
        bool closed = false;
        while (!closed && next_line(&rest, &line)) {
            closed = closes_fence(line, &o, &code);
            body.len = (size_t)(line.s - body.s) + (closed ? code : line.len);
        }
        keep_fence(c, body, o.tag, closed, entry_point);
    }
}

/* The chosen body with the imports of the fences before it. */
static struct str with_imports(struct str body, const struct choice *c, struct arena *a)
{
    size_t len = body.len;
    int n = 0;
    for (; n < c->n_imports && c->imports[n].s < body.s; n++)
        len += c->imports[n].len + 1;
    if (n == 0 || only_imports(body))
        return body;
    char *out = arena_alloc(a, len + 1), *end = out;
    for (int i = 0; i < n; i++) {
        end = mempcpy(end, c->imports[i].s, c->imports[i].len);
        *end++ = '\n';
    }
    end = mempcpy(end, body.s, body.len);
    return str_make(out, (size_t)(end - out));
}

static bool starts_python(struct str line)
{
    static const char *const words[] = {"def", "class", "async", "import", "from"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct str rest = line;
        if (take_word(&rest, str_of(words[i])))
            return i < 3 || only_imports(line);
    }
    return line.len && line.s[0] == '@';
}

/* "Here is the code:" and the like: words, with no sign that code has, and a full stop or colon. */
static bool is_sentence(struct str line)
{
    static const char *const keywords[] = {"if",   "for",   "while",  "with", "elif",  "else",
                                           "case", "match", "except", "del",  "assert"};
    size_t spaces = 0;
    while (line.len && is_space(line.s[line.len - 1]))
        line.len--;
    if (starts_python(line))
        return false;
    for (size_t i = 0; i < COUNT_OF(keywords); i++) {
        struct str rest = line;
        if (take_word(&rest, str_of(keywords[i])))
            return false;
    }
    for (size_t i = 0; i < line.len; i++) {
        if (strchr("=()[]{}#\"\\<>@|&^%;", line.s[i]))
            return false;
        spaces += line.s[i] == ' ';
    }
    return spaces >= 2 && is_word(line.s[0]) && strchr(".:!", line.s[line.len - 1]);
}

/* Where the prose before the program ends, 0 where there is none or no program follows it. */
static size_t head_of(struct str text)
{
    struct str rest = text, line;
    bool prose = false;
    while (next_line(&rest, &line)) {
        if (is_blank(line))
            continue;
        if (prose && starts_python(line))
            return (size_t)(line.s - text.s);
        if (!is_sentence(line))
            return 0;
        prose = true;
    }
    return 0;
}

/* Where the prose after the program begins; text.len where there is none. */
static size_t tail_of(struct str text)
{
    struct str rest = text, line;
    size_t tail = text.len;
    while (next_line(&rest, &line)) {
        if (is_blank(line))
            continue;
        if (!is_sentence(line))
            tail = text.len;
        else if (tail == text.len)
            tail = (size_t)(line.s - text.s);
    }
    return tail;
}

/* A program without a fence, freed of the prose around it; false if there is none, or no program. */
static bool between_prose(struct str *text)
{
    size_t head = head_of(*text);
    struct str program = str_from(*text, head);
    size_t tail = tail_of(program);
    struct str rest = program, line = {"", 0};
    while (is_blank(line) && next_line(&rest, &line))
        ;
    if (!starts_python(line) || (head == 0 && tail == program.len))
        return false;
    *text = str_make(program.s, tail);
    return true;
}

/* Removes the white space that all lines begin with, and ends the last line. */
static struct str dedent(struct str text, struct arena *a)
{
    struct str rest = text, line, common = {0};
    bool first = true;
    while (next_line(&rest, &line)) {
        size_t n = 0;
        if (is_blank(line))
            continue;
        while (line.s[n] == ' ' || line.s[n] == '\t')
            n++;
        if (first)
            common = str_make(line.s, n);
        for (size_t i = 0; i < common.len; i++)
            if (i >= n || line.s[i] != common.s[i])
                common.len = i;
        first = false;
    }
    char *out = arena_alloc(a, text.len + 2);
    size_t n = 0;
    for (rest = text; next_line(&rest, &line);) {
        line = str_from(line, common.len);
        if (line.len)
            memcpy(out + n, line.s, line.len);
        n += line.len;
        out[n++] = '\n';
    }
    return str_make(out, n);
}

int extract_program(struct str response, const char *entry_point, struct arena *a,
                    struct extraction *ret)
{
    static const char *const rules[] = {"last-python-fence", "last-untagged-fence",
                                        "other-language-fence"};
    struct choice c = {0};
    struct extraction x = {.tag = STR("")};
    struct str text = drop_thoughts(without_end_marks(clean(response, a)), a);
    bool answered = last_answer(text, &text);
    find_fences(text, entry_point, &c);
    int k = 0;
    while (k < FENCE_CLASSES && !c.last[k].body.len)
        k++;
    if (k == FENCE_CLASSES) {
        bool trimmed = between_prose(&text);
        x.rule = trimmed ? "between-prose" : answered ? "answer-text" : "whole-text";
    } else {
        bool earlier = c.defining[k].body.len && c.defining[k].body.s != c.last[k].body.s;
        struct fence f = earlier ? c.defining[k] : c.last[k];
        x.rule = !f.closed ? "unclosed-fence" : earlier ? "entry-point-fence" : rules[k];
        x.tag = f.tag;
        x.other_language = k == FENCE_OTHER;
        text = k == FENCE_PYTHON ? with_imports(f.body, &c, a) : f.body;
    }
    x.code = dedent(text, a);
    if (is_blank(x.code)) {
        x.rule = "empty";
        x.code = STR("");
    }
    *ret = x;
    return 0;
}
