#include "trainer/rl/rewards.h"

#include <math.h>

#include "base/check.h"
#include "base/utf8.h"
#include "trainer/rl/math_answer.h"

/* ---- format ---------------------------------------------------------------------------------- */

/* Cuts `open` ... `close` off the front of *s; false when it does not start with one, or the tag
 * comes again inside. */
static bool take_part(struct str *s, struct str open, struct str close)
{
    if (!str_starts(*s, open))
        return false;
    ptrdiff_t end = str_find(*s, close, open.len);
    if (end < 0)
        return false;
    ptrdiff_t again = str_find(*s, open, open.len);
    *s = str_trim(str_from(*s, (size_t)end + close.len));
    return again < 0 && str_find(*s, close, 0) < 0;
}

double rl_reward_format(struct str text)
{
    text = str_trim(text);
    return take_part(&text, STR("<think>"), STR("</think>")) &&
           take_part(&text, STR("<answer>"), STR("</answer>")) && text.len == 0;
}

/* ---- language -------------------------------------------------------------------------------- */

enum script {
    NO_LETTER,
    LATIN,
    GREEK,
    CYRILLIC,
    HEBREW,
    ARABIC,
    INDIC,
    THAI,
    HAN,
    HANGUL,
    SCRIPTS
};

/* The blocks that living languages are mostly written in. Han counts kana: Japanese mixes them. */
static const struct {
    uint32_t first, last;
    enum script script;
} blocks[] = {
    {'A', 'Z', LATIN},       {'a', 'z', LATIN},        {0xc0, 0x24f, LATIN},
    {0x370, 0x3ff, GREEK},   {0x400, 0x52f, CYRILLIC}, {0x590, 0x5ff, HEBREW},
    {0x600, 0x77f, ARABIC},  {0x900, 0xdff, INDIC},    {0xe00, 0xeff, THAI},
    {0x1e00, 0x1eff, LATIN}, {0x1f00, 0x1fff, GREEK},  {0x1100, 0x11ff, HANGUL},
    {0x3041, 0x30ff, HAN},   {0x3400, 0x9fff, HAN},    {0xac00, 0xd7a3, HANGUL},
    {0xf900, 0xfaff, HAN},   {0x20000, 0x323af, HAN},
};

static enum script script_of(uint32_t c)
{
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        if (c >= blocks[i].first && c <= blocks[i].last)
            return blocks[i].script;
    return NO_LETTER;
}

/* The character at the front of *s, which is cut off; 0 for a byte that is none. */
static uint32_t take_character(struct str *s)
{
    const unsigned char *b = (const unsigned char *)s->s;
    size_t n = utf8_char(*s);
    uint32_t c = n == 0 ? 0 : n == 1 ? b[0] : b[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (b[i] & 0x3f);
    *s = str_from(*s, n ? n : 1);
    return c;
}

/* Words by script. A word is a run of letters of one script; where a script writes without spaces,
 * each character is one. */
static void count_words(struct str text, long words[SCRIPTS])
{
    bool code = false;
    enum script last = NO_LETTER;
    while (text.len) {
        if (str_starts(text, STR("```"))) {
            code = !code;
            text = str_from(text, 3);
            continue;
        }
        enum script script = script_of(take_character(&text));
        if (!code && script != NO_LETTER && (script != last || script == HAN || script == THAI))
            words[script]++;
        last = script;
    }
}

double rl_reward_language(struct str prompt, struct str text)
{
    long asked[SCRIPTS] = {0}, said[SCRIPTS] = {0}, all = 0;
    enum script target = LATIN;
    count_words(prompt, asked);
    count_words(text, said);
    for (int s = LATIN; s < SCRIPTS; s++) {
        all += said[s];
        if (asked[s] > asked[target])
            target = (enum script)s;
    }
    return all ? (double)said[target] / (double)all : 1;
}

/* ---- length ---------------------------------------------------------------------------------- */

double rl_reward_overlong(int n_tokens, int max_tokens, int buffer)
{
    int over = n_tokens - (max_tokens - buffer);
    return over <= 0 ? 0 : over >= buffer ? -1 : -(double)over / buffer;
}

double rl_reward_cosine(int n_tokens, int max_tokens, bool right)
{
    const double at_once = right ? 1 : -1, at_last = right ? .5 : -.5;
    const double progress = n_tokens < max_tokens ? (double)n_tokens / max_tokens : 1;
    return at_last + .5 * (at_once - at_last) * (1 + cos(M_PI * progress));
}

double rl_reward_length(int n_tokens, int shortest, int longest, bool right)
{
    if (longest <= shortest)
        return 0;
    const double share = .5 - (double)(n_tokens - shortest) / (longest - shortest);
    return right ? share : fmin(0, share);
}

/* ---- answers --------------------------------------------------------------------------------- */

double rl_reward_math(struct str solution, struct str text)
{
    struct str want, got;
    if (!math_answer(solution, &want))
        return NAN;
    return math_answer(text, &got) && math_equal(want, got);
}
