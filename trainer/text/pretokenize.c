/* pretokenize.c: cuts text into pieces with the tokenizer's pattern (PCRE2, JIT, UTF and Unicode
 * properties).
 *
 * Text between matches is a piece too, as with Hugging Face's "Isolated" split, so no byte is lost
 * whatever the pattern. PCRE2 wants valid UTF-8: the text is cut into valid runs first, and each
 * byte outside them is a piece of its own. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/utf8.h"
#include "trainer/text/tok_internal.h"

const char TOK_PATTERN_CODE[] = "</?[a-z]+>|```|\\n *| ?\\p{L}+|\\p{N}| ?[^\\p{L}\\p{N}\\s]+|\\s";
const char TOK_PATTERN_GPT2[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

struct tok_pre {
    pcre2_code *code;
};

int tok__pre_new(const char *pattern, struct tok_pre **ret, struct err *err)
{
    int code;
    PCRE2_SIZE at;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                   PCRE2_UTF | PCRE2_UCP, &code, &at, NULL);
    if (!re) {
        PCRE2_UCHAR text[160];
        pcre2_get_error_message(code, text, sizeof text);
        return err_set(err, -EINVAL, "pattern `%s`: %s at offset %zu", pattern, (char *)text,
                       (size_t)at);
    }
    /* Without JIT (a hardened kernel may refuse executable memory) matching is slower, not
     * different. */
    pcre2_jit_compile(re, PCRE2_JIT_COMPLETE);
    *ret = xcalloc(1, sizeof **ret);
    (*ret)->code = re;
    return 0;
}

void tok__pre_free(struct tok_pre *p)
{
    if (!p)
        return;
    pcre2_code_free(p->code);
    free(p);
}

/* Next match at or after `from`: 1, or 0 when there is none. A match that runs out of its JIT stack
 * is tried again without JIT; one that exceeds PCRE2's own limits counts as none, and the rest of
 * the text becomes one piece. */
static int next_match(const struct tok_pre *p, pcre2_match_data *md, struct str run, size_t from)
{
    PCRE2_SPTR s = (PCRE2_SPTR)run.s;
    int rc = pcre2_match(p->code, s, run.len, from, PCRE2_NO_UTF_CHECK, md, NULL);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
        rc = pcre2_match(p->code, s, run.len, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, md, NULL);
    return rc >= 0;
}

static void split_run(const struct tok_pre *p, pcre2_match_data *md, struct str run,
                      tok_piece piece, void *ctx)
{
    size_t done = 0, from = 0;
    while (from < run.len && next_match(p, md, run, from)) {
        PCRE2_SIZE *o = pcre2_get_ovector_pointer(md);
        if (o[1] <= o[0]) { /* an empty match takes nothing: look one character on */
            from = o[0] < from ? from : o[0];
            from += from < run.len ? utf8_char(str_from(run, from)) : 1;
            continue;
        }
        if (o[0] > done)
            piece(ctx, str_make(run.s + done, o[0] - done));
        piece(ctx, str_make(run.s + o[0], o[1] - o[0]));
        done = from = o[1];
    }
    if (done < run.len)
        piece(ctx, str_from(run, done));
}

void tok__pre_split(const struct tok_pre *p, struct str text, tok_piece piece, void *ctx)
{
    pcre2_match_data *md = check_alloc(pcre2_match_data_create(1, NULL));
    while (text.len) {
        size_t n = utf8_prefix(text);
        if (n)
            split_run(p, md, str_make(text.s, n), piece, ctx);
        else
            piece(ctx, str_make(text.s, n = 1));
        text = str_from(text, n);
    }
    pcre2_match_data_free(md);
}
