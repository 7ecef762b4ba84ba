/* big.c: JSON text whose integers may be of any size.
 *
 * The parser's integers have 64 bits; test data has longer ones. Where a text is refused for
 * such a number, it is read again with each long integer wrapped as {PROBLEM_BIG_INTEGER: "digits"},
 * which the judge turns into the integer (verifier/judge_text.c). */
#include "readers.h"

/* As many digits always fit. */
enum { DIGITS_SAFE = 18 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The end of the string that starts at `at`, or the text's. */
static size_t after_string(struct str text, size_t at)
{
    for (at++; at < text.len && text.s[at] != '"'; at++)
        if (text.s[at] == '\\')
            at++;
    return at + 1 < text.len ? at + 1 : text.len;
}

/* Whether anything was wrapped. */
static bool wrap(struct str text, struct buf *out)
{
    bool any = false;
    for (size_t at = 0, end; at < text.len; at = end) {
        end = at + 1;
        if (text.s[at] == '"') {
            end = after_string(text, at);
        } else if (is_digit(text.s[at]) || text.s[at] == '-') {
            while (end < text.len && is_digit(text.s[end]))
                end++;
            bool whole = end == text.len || !strchr(".eE", text.s[end]);
            if (whole && end - at > DIGITS_SAFE) {
                buf_printf(out, "{\"" PROBLEM_BIG_INTEGER "\":\"%.*s\"}", (int)(end - at),
                           text.s + at);
                any = true;
                continue;
            }
            while (end < text.len && (is_digit(text.s[end]) || strchr(".eE+-", text.s[end])))
                end++;
        }
        buf_add(out, text.s + at, end - at);
    }
    return any;
}

json_t *prb_parse_json(struct str text, size_t flags, json_error_t *je)
{
    struct buf wrapped = {0};
    json_t *value = json_loadb(text.s, text.len, flags, je);
    if (!value && json_error_code(je) == json_error_numeric_overflow && wrap(text, &wrapped))
        value = json_loadb(wrapped.s, wrapped.len, flags, je);
    buf_free(&wrapped);
    return value;
}
