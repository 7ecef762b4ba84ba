/* language_train.c: makes verifier/language_table.inc out of a folder of snippets.
 *
 *   language-train FOLDER > verifier/language_table.inc
 *
 * FOLDER/<source>/<label>/<file>, as language_corpus.h says. Learnt from are pieces as long as
 * replies, not files: the beginning of each file, a run of its paragraphs and a few lines from
 * anywhere. The model is a multinomial logistic regression over the tokens of language_tokens.h.
 * Each piece weighs so that all labels count alike, but none more than SHARE_MOST times. A token
 * must occur in SOURCES_LEAST sources, so that no project's own names are in the table. It is
 * trained on all such tokens, those that do least are dropped, and it is trained again on what is
 * left; weights are then rounded to one character for each label. A run of one build gives the same
 * bytes every time, after about a minute of one core.
 *
 * The table in the tree was made from 84,712 pieces of 37 sources: solutions and tests of exercise
 * collections in 23 languages, textbook algorithms in 20, solutions of programming contests in 14,
 * samples of 35 kinds of file, libraries, benchmarks, and files of Debian packages, each under a
 * licence that permits it: only the weights of tokens are kept here. What is measured with
 * (TESTING.md) comes from other sources.
 */
#include <math.h>

#include "tools/language_corpus.h"
#include "verifier/language_tokens.h"

enum {
    LABELS_MAX = 64,
    PIECES = 2, /* of each file: its beginning, and another */
    FRAGMENTS = 1,
    SNIPPETS_LEAST = 16, /* that must have a token before it is looked at */
    SOURCES_LEAST = 3,
    TOKENS_KEPT = 5000,
    ROUNDS = 8,
    WEIGHT_STEPS = 30, /* either way from nothing */
};

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const float rate = 0.15f, decay = 2e-2f, weight_step = 0.125f, SHARE_MOST = 4;

struct token {
    char text[LANGUAGE_TOKEN_BYTES_MAX + 1];
    int snippets, last_snippet, sources, last_source;
    int index; /* in the model, -1 if it is not kept */
    float use;
};

struct cell {
    int token, count;
};

struct snippet {
    int label;
    struct cell *cells;
    int n;
};

static char labels[LABELS_MAX][32];
static int n_labels, label_size[LABELS_MAX];
static char last_source[64];
static int n_sources; /* seen so far */
static struct token *tokens;
static int n_tokens, n_kept;
static int *slots; /* open addressing: 1 + the token's place */
static size_t n_slots;
static struct snippet *snippets;
static int n_snippets;
static float *weights, *squares;

static uint32_t hash_of(struct str s)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.s[i]) * 16777619u;
    return h ^ h >> 15;
}

static int token_of(struct str s)
{
    size_t i = hash_of(s) & (n_slots - 1);
    while (slots[i] && !str_eq(s, str_of(tokens[slots[i] - 1].text)))
        i = (i + 1) & (n_slots - 1);
    if (!slots[i]) {
        CHECK((size_t)n_tokens < n_slots / 2);
        memcpy(tokens[n_tokens].text, s.s, s.len);
        tokens[n_tokens].last_snippet = -1;
        slots[i] = ++n_tokens;
    }
    return slots[i] - 1;
}

static void see_token(void *arg, struct str s)
{
    struct snippet *snippet = arg;
    int t = token_of(s), i = 0;
    if (tokens[t].last_snippet == n_snippets) {
        while (snippet->cells[i].token != t)
            i++;
        snippet->cells[i].count++;
        return;
    }
    tokens[t].last_snippet = n_snippets;
    tokens[t].snippets++;
    if (tokens[t].last_source != n_sources) {
        tokens[t].last_source = n_sources;
        tokens[t].sources++;
    }
    snippet->cells = xrealloc(snippet->cells, (size_t)snippet->n + 1, sizeof *snippet->cells);
    snippet->cells[snippet->n++] = (struct cell){t, 1};
}

static int label_of(const char *name)
{
    int k = 0;
    while (k < n_labels && strcmp(labels[k], name) != 0)
        k++;
    CHECK(k < LABELS_MAX);
    if (k == n_labels)
        snprintf(labels[n_labels++], sizeof labels[0], "%s", name);
    return k;
}

static void add_snippet(const char *label, struct str text)
{
    snippets = xrealloc(snippets, (size_t)n_snippets + 1, sizeof *snippets);
    snippets[n_snippets] = (struct snippet){.label = label_of(label)};
    language_tokens(text, see_token, &snippets[n_snippets]);
    label_size[snippets[n_snippets].label]++;
    n_snippets++;
}

static void see_file(void *arg, const struct corpus_file *f)
{
    struct str piece;
    (void)arg;
    if (strcmp(f->source, last_source) != 0) {
        snprintf(last_source, sizeof last_source, "%s", f->source);
        n_sources++;
    }
    for (unsigned i = 0; i < PIECES; i++)
        if (corpus_piece(f, i, &piece))
            add_snippet(f->label, piece);
    for (unsigned i = 0; i < FRAGMENTS; i++)
        if (corpus_fragment(f, i, &piece))
            add_snippet(f->label, piece);
}

/* What a token's count is worth: the second and third time say less than the first. */
static float value_of(int count)
{
    return count == 1 ? 1 : count < 4 ? 1.5f : 2;
}

static void logits_of(const struct snippet *s, float *ret)
{
    memset(ret, 0, (size_t)n_labels * sizeof *ret);
    for (int i = 0; i < s->n; i++) {
        int t = tokens[s->cells[i].token].index;
        for (int k = 0; t >= 0 && k < n_labels; k++)
            ret[k] += value_of(s->cells[i].count) * weights[t * n_labels + k];
    }
}

static void learn(const struct snippet *s)
{
    float p[LABELS_MAX], sum = 0, most = -1e30f;
    float share = fminf(SHARE_MOST, (float)n_snippets / (float)(n_labels * label_size[s->label]));
    logits_of(s, p);
    for (int k = 0; k < n_labels; k++)
        most = fmaxf(most, p[k]);
    for (int k = 0; k < n_labels; k++)
        sum += p[k] = expf(p[k] - most);
    for (int i = 0; i < s->n; i++) {
        int t = tokens[s->cells[i].token].index;
        for (int k = 0; t >= 0 && k < n_labels; k++) {
            float *w = &weights[t * n_labels + k], *q = &squares[t * n_labels + k];
            float g = share * value_of(s->cells[i].count) * (p[k] / sum - (float)(k == s->label)) +
                      decay * *w;
            *q += g * g;
            *w -= rate * g / (sqrtf(*q) + 1e-3f);
        }
    }
}

static void train(void)
{
    uint64_t random = 88172645463325252u;
    size_t n = (size_t)n_kept * (size_t)n_labels;
    int *order = xcalloc((size_t)n_snippets, sizeof *order);
    free(weights);
    free(squares);
    weights = xcalloc(n, sizeof *weights);
    squares = xcalloc(n, sizeof *squares);
    for (int i = 0; i < n_snippets; i++)
        order[i] = i;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = n_snippets - 1; i > 0; i--) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            int j = (int)(random % (uint64_t)(i + 1)), swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
        for (int i = 0; i < n_snippets; i++)
            learn(&snippets[order[i]]);
    }
    free(order);
}

static int by_use(const void *a, const void *b)
{
    const struct token *x = &tokens[*(const int *)a], *y = &tokens[*(const int *)b];
    return x->use != y->use ? (x->use < y->use) - (x->use > y->use) : strcmp(x->text, y->text);
}

static void keep_best(int most)
{
    int *order = xcalloc((size_t)n_tokens, sizeof *order);
    for (int t = 0; t < n_tokens; t++) {
        order[t] = t;
        tokens[t].use = 0;
        float low = 0, high = 0;
        for (int k = 0; tokens[t].index >= 0 && k < n_labels; k++) {
            float w = weights[tokens[t].index * n_labels + k];
            low = fminf(low, w);
            high = fmaxf(high, w);
        }
        tokens[t].use = (high - low) * sqrtf((float)tokens[t].snippets);
    }
    qsort(order, (size_t)n_tokens, sizeof *order, by_use);
    for (int i = 0; i < n_tokens; i++)
        tokens[order[i]].index = i < most ? i : -1;
    n_kept = most;
    free(order);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(tokens[*(const int *)a].text, tokens[*(const int *)b].text);
}

static void print_token(const struct token *t)
{
    printf("{\"");
    for (const char *s = t->text; *s; s++)
        if (*s == '\n')
            printf("\\n");
        else
            printf("%s%c", *s == '"' || *s == '\\' ? "\\" : "", *s);
    printf("\", \"");
    for (int k = 0; k < n_labels; k++) {
        float w = roundf(weights[t->index * n_labels + k] / weight_step);
        putchar(digits[WEIGHT_STEPS + (int)fmaxf(-WEIGHT_STEPS, fminf(WEIGHT_STEPS, w))]);
    }
    printf("\"},\n");
}

static void print_table(void)
{
    int *order = xcalloc((size_t)n_tokens, sizeof *order), n = 0;
    for (int t = 0; t < n_tokens; t++)
        if (tokens[t].index >= 0)
            order[n++] = t;
    qsort(order, (size_t)n, sizeof *order, by_text);
    printf("/* language_table.inc: made by tools/language_train.c; see there. */\n#ifdef LABELS\n");
    for (int k = 0; k < n_labels; k++)
        printf("\"%s\",\n", labels[k]);
    printf("#else\n");
    for (int i = 0; i < n; i++)
        print_token(&tokens[order[i]]);
    printf("#endif\n");
    free(order);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: language-train FOLDER: FOLDER/<source>/<label>/<file>\n");
        return 2;
    }
    n_slots = 1 << 23;
    slots = xcalloc(n_slots, sizeof *slots);
    tokens = xcalloc(n_slots / 2, sizeof *tokens);
    corpus_read(argv[1], see_file, NULL);
    for (int t = 0; t < n_tokens; t++) {
        bool common = tokens[t].snippets >= SNIPPETS_LEAST && tokens[t].sources >= SOURCES_LEAST;
        tokens[t].index = common ? n_kept++ : -1;
    }
    fprintf(stderr, "%d sources, %d labels, %d pieces, %d tokens, %d common\n", n_sources, n_labels,
            n_snippets, n_tokens, n_kept);
    train();
    keep_best(n_kept < TOKENS_KEPT ? n_kept : TOKENS_KEPT);
    train();
    print_table();
    return 0;
}
