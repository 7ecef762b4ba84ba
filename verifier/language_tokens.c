/* language_tokens.c: one pass over the bytes. A text is read as a row of symbols: w for a word, 0
 * for a number, u for a run of letters beyond ASCII, a space, a line's edge, and signs as
 * themselves. */
#include "verifier/language_tokens.h"

#include <ctype.h>

struct reader {
    void (*see)(void *arg, struct str token);
    void *arg;
    struct str word; /* the word before the current symbol, empty if there was none */
    bool spaced;     /* a space stands between that word and the current symbol */
    char last, sign; /* the symbol before the current one, and the one before that space */
};

static void see(struct reader *r, struct str a, const char *middle, struct str b)
{
    char token[LANGUAGE_TOKEN_BYTES_MAX];
    size_t n = strlen(middle);
    if (a.len + n + b.len > sizeof token)
        return;
    memcpy(token, a.s, a.len);
    memcpy(token + a.len, middle, n);
    memcpy(token + a.len + n, b.s, b.len);
    r->see(r->arg, str_make(token, a.len + n + b.len));
}

static bool is_sign(char symbol)
{
    return symbol != 'w' && symbol != '0' && symbol != 'u' && symbol != ' ' && symbol != '\n';
}

/* One symbol; `word` is its text if it is a word. */
static void step(struct reader *r, char symbol, struct str word)
{
    struct str one = {&symbol, 1}, none = {"", 0};
    if (symbol != ' ' && r->word.len) {
        if (word.len)
            see(r, r->word, " ", word);
        else
            see(r, r->word, r->spaced && symbol != '\n' ? " " : "", one);
        r->word = none;
    }
    if (word.len) {
        see(r, none, "", word);
        if (r->last == '\n')
            see(r, STR("\n"), "", word);
        else if (is_sign(r->sign))
            see(r, str_make(&r->sign, 1), r->last == ' ' ? " " : "", word);
        r->word = word;
        r->spaced = false;
    }
    if (is_sign(symbol) || (is_sign(r->last) && symbol != ' '))
        see(r, str_make(&r->last, 1), "", one);
    if (symbol == ' ')
        r->spaced = true;
    else
        r->sign = symbol;
    r->last = symbol;
}

static bool is_letter(unsigned char c)
{
    return isalpha(c) || c == '_';
}

/* Where a comment that begins at `at` ends: most languages that have `//`, `/``*` or `-- ` at the
 * start of a line mean one, and what it says is no token of the language. */
static size_t comment_end(struct str text, size_t at)
{
    struct str rest = str_from(text, at);
    ptrdiff_t end = str_starts(rest, STR("/*")) ? str_find(rest, STR("*/"), 2)
                    : str_starts(rest, STR("//")) || str_starts(rest, STR("-- "))
                        ? str_find(rest, STR("\n"), 2)
                        : 0;
    return end < 0 ? text.len : at + (size_t)end;
}

void language_tokens(struct str text, void (*see_token)(void *arg, struct str token), void *arg)
{
    struct reader r = {.see = see_token, .arg = arg, .word = STR(""), .last = '\n', .sign = '\n'};
    struct str none = STR("");
    for (size_t i = 0; i < text.len;) {
        size_t from = i;
        if (r.last == '\n' && comment_end(text, i) > i) {
            step(&r, text.s[i], none);
            step(&r, text.s[i + 1], none);
            i = comment_end(text, i);
            continue;
        }
        unsigned char c = (unsigned char)text.s[i++];
        if (is_letter(c)) {
            while (i < text.len &&
                   (is_letter((unsigned char)text.s[i]) || isdigit((unsigned char)text.s[i])))
                i++;
            step(&r, 'w', str_make(text.s + from, i - from));
        } else if (isdigit(c)) {
            while (i < text.len && (isalnum((unsigned char)text.s[i]) || text.s[i] == '_'))
                i++;
            step(&r, '0', none);
        } else if (c >= 0x80) {
            while (i < text.len && (unsigned char)text.s[i] >= 0x80)
                i++;
            step(&r, 'u', none);
        } else if (c == '\n') {
            if (r.last != '\n')
                step(&r, '\n', none);
        } else if (c <= ' ' || c == 0x7f) {
            if (r.last != '\n' && r.last != ' ')
                step(&r, ' ', none);
        } else {
            step(&r, (char)c, none);
        }
    }
    if (r.last != '\n')
        step(&r, '\n', none);
}
