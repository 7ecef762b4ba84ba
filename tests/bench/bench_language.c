/* bench_language.c: how often the linter names the language of texts that it did not learn from.
 *
 *   bench_language [-v] [-w] FOLDER
 *
 * FOLDER/<source>/<label>/<file>, as tools/language_corpus.h says; of each file one piece is looked
 * at (-w: the whole file). A line of CSV for each source, one for each label, one for all: texts;
 * the share that is right three ways (Python, another language, no program); among the texts in
 * another language, the share that is named right, strictly, and with C and C++ counted as one and
 * JavaScript and TypeScript as one; microseconds a text. -v lists every mistake. */
#include <getopt.h>

#include "base/clock.h"
#include "tools/language_corpus.h"
#include "verifier/linter.h"

enum { LABELS_MAX = 64, SOURCES_MAX = 256, PYTHON_KIND = 0, OTHER_KIND, TEXT_KIND };

struct tally {
    char name[64];
    size_t n, right, foreign, named, merged;
};

static struct tally labels[LABELS_MAX], sources[SOURCES_MAX], all = {.name = "all"};
static struct linter linter;
static bool verbose, show, whole, fragments;
static int64_t spent_ns;

static int kind_of(const char *label)
{
    static const char *const texts[] = {"css",         "english",  "html",  "ini",       "json",
                                        "latex",       "markdown", "prose", "data",      "empty",
                                        "other-prose", "xml",      "yaml",  "pseudocode"};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (strcmp(label, texts[i]) == 0)
            return TEXT_KIND;
    return strcmp(label, "python") == 0 ? PYTHON_KIND : OTHER_KIND;
}

static const char *merged(const char *label)
{
    return strcmp(label, "c++") == 0          ? "c"
           : strcmp(label, "typescript") == 0 ? "javascript"
                                              : label;
}

static struct tally *tally_of(struct tally *list, size_t n, const char *name)
{
    size_t i = 0;
    while (i < n && list[i].name[0] && strcmp(list[i].name, name) != 0)
        i++;
    CHECK(i < n);
    snprintf(list[i].name, sizeof list[i].name, "%s", name);
    return &list[i];
}

static void count(struct tally *t, const char *label, const char *language)
{
    bool foreign = kind_of(label) == OTHER_KIND;
    t->n++;
    t->right += kind_of(label) == kind_of(language);
    t->foreign += foreign;
    t->named += foreign && strcmp(label, language) == 0;
    t->merged += foreign && strcmp(merged(label), merged(language)) == 0;
}

static void see_file(void *arg, const struct corpus_file *f)
{
    struct str text = f->text;
    (void)arg;
    if (fragments ? !corpus_fragment(f, 1, &text) : !whole && !corpus_piece(f, 1, &text))
        return;
    json_t *s = json_stringn(text.s, text.len);
    if (!s) /* cut inside a character */
        return;
    json_t *job = json_pack("{s:o}", "text", s);
    int64_t start_ns = wall_ns();
    json_t *result = linter_run(&linter, job);
    spent_ns += wall_ns() - start_ns;
    const char *language = json_string_value(json_object_get(result, "language"));
    count(tally_of(labels, LABELS_MAX, f->label), f->label, language);
    count(tally_of(sources, SOURCES_MAX, f->source), f->label, language);
    count(&all, f->label, language);
    if (verbose && strcmp(f->label, language) != 0 &&
        (kind_of(f->label) != TEXT_KIND || kind_of(language) != TEXT_KIND))
        printf("# %s: %s\n%.*s\n", f->path, language, show ? (int)text.len : 0, text.s);
    json_decref(result);
    json_decref(job);
}

static double share(size_t part, size_t n)
{
    return n ? 100.0 * (double)part / (double)n : 100;
}

static void print(const char *what, const struct tally *t)
{
    printf("%s,%s,%zu,%.2f,%zu,%.2f,%.2f\n", what, t->name, t->n, share(t->right, t->n), t->foreign,
           share(t->named, t->foreign), share(t->merged, t->foreign));
}

int main(int argc, char **argv)
{
    for (int c; (c = getopt(argc, argv, "fsvw")) != -1;) {
        verbose |= c == 'v';
        whole |= c == 'w';
        show |= c == 's';
        fragments |= c == 'f';
        if (c == '?')
            return 2;
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "usage: bench_language [-v] [-w] FOLDER\n");
        return 2;
    }
    linter_open(&linter);
    corpus_read(argv[optind], see_file, NULL);
    linter_close(&linter);
    printf("what,name,texts,three_ways_percent,foreign,named_percent,named_merged_percent\n");
    for (size_t i = 0; i < SOURCES_MAX && sources[i].name[0]; i++)
        print("source", &sources[i]);
    for (size_t i = 0; i < LABELS_MAX && labels[i].name[0]; i++)
        print("label", &labels[i]);
    print("all", &all);
    printf("# %.0f us a text\n", all.n ? (double)spent_ns / 1e3 / (double)all.n : 0);
    return 0;
}
