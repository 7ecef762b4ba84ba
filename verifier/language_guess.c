/* language_guess.c: adds up the weights that language_table.inc has for the tokens of a text. */
#include "verifier/language_guess.h"

#include "verifier/language_tokens.h"

enum { TEXT_BYTES_MAX = 16 << 10, SLOTS = 16384 };

static const float weight_step = 0.125f;

static int weight_of(char digit)
{
    return (digit <= '9' ? digit - '0' : digit <= 'Z' ? digit - 'A' + 10 : digit - 'a' + 36) - 30;
}

static const char *const labels[] = {
#define LABELS
#include "verifier/language_table.inc"
#undef LABELS
};

/* A digit to base 62 of `weights` for each label; 30 is no weight. */
static const struct row {
    const char *token, *weights;
} rows[] = {
#include "verifier/language_table.inc"
};

_Static_assert(COUNT_OF(rows) < SLOTS / 2, "a hash table that is at most half full");

static short slots[SLOTS]; /* 1 + a row's number */

static size_t slot_of(struct str token)
{
    const uint32_t h = str_hash(STR_HASH_START, token);
    size_t at = (h ^ h >> 15) & (SLOTS - 1);
    while (slots[at] && !str_eq(token, str_of(rows[slots[at] - 1].token)))
        at = (at + 1) & (SLOTS - 1);
    return at;
}

static void fill_slots(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        slots[slot_of(str_of(rows[i].token))] = (short)(i + 1);
}

static void count_token(void *arg, struct str token)
{
    unsigned char *counts = arg;
    int row = slots[slot_of(token)];
    if (row && counts[row - 1] < 4)
        counts[row - 1]++;
}

/* What is no program. */
static bool is_text(const char *label)
{
    static const char *const names[] = {"css",   "english",  "html",        "ini", "json",
                                        "latex", "markdown", "other-prose", "xml", "yaml"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(label, names[i]) == 0)
            return true;
    return false;
}

void language_guess(struct str text, struct language_guess *ret)
{
    static const float values[] = {0, 1, 1.5f, 1.5f, 2};
    unsigned char counts[COUNT_OF(rows)] = {0};
    float scores[COUNT_OF(labels)] = {0};
    struct language_guess g = {.python = -1e9f, .program_score = -1e9f, .text_score = -1e9f};
    if (text.len > TEXT_BYTES_MAX)
        text.len = TEXT_BYTES_MAX;
    if (!slots[slot_of(str_of(rows[0].token))])
        fill_slots();
    language_tokens(text, count_token, counts);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (!counts[i])
            continue;
        g.tokens++;
        for (size_t k = 0; k < COUNT_OF(labels); k++)
            scores[k] += values[counts[i]] * weight_step * (float)weight_of(rows[i].weights[k]);
    }
    for (size_t k = 0; k < COUNT_OF(labels); k++) {
        bool no_program = is_text(labels[k]);
        float *best = no_program ? &g.text_score : &g.program_score;
        if (strcmp(labels[k], "python") == 0 || strcmp(labels[k], "python2") == 0) {
            g.python = scores[k] > g.python ? scores[k] : g.python;
        } else if (scores[k] > *best) {
            *best = scores[k];
            *(no_program ? &g.text : &g.program) = labels[k];
        }
    }
    *ret = g;
}
