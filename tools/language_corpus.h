/* language_corpus.h: a folder of labelled files, and pieces of them as long as what models write.
 *
 *   FOLDER/<source>/<label>/<file>
 *
 * A source is what one group of people wrote in one style (a repository, or a family of them), and
 * the unit that a measurement holds out; a label is a language as language_table.inc names it.
 * Files are taken in the order of their names. A piece is a run of whole paragraphs, drawn by the
 * file's path, so the same folder gives the same pieces anywhere. */
#ifndef ASSAY_TOOLS_LANGUAGE_CORPUS_H
#define ASSAY_TOOLS_LANGUAGE_CORPUS_H

#include <dirent.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/rng.h"

enum {
    CORPUS_FILE_BYTES_MAX = 1 << 20,
    PIECE_LINES_LEAST = 5,
    PIECE_LINES_MOST = 60,
    FRAGMENT_LINES_MOST = 20,
    PIECE_BYTES_LEAST = 60,
    PIECE_BYTES_MOST = 8 << 10
};

struct corpus_file {
    const char *source, *label, *path;
    struct str text;
};

/* The names in a folder, sorted, hidden ones left out; 0 if it cannot be read. */
static inline int corpus_names(const char *folder, char ***ret)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort), kept = 0;
    char **names = xcalloc((size_t)(n > 0 ? n : 1), sizeof *names);
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.')
            names[kept++] = check_alloc(strdup(entries[i]->d_name));
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    *ret = names;
    return kept;
}

static inline void corpus_names_free(char **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

static inline void corpus_read_label(const char *folder, const char *source, const char *label,
                                     void (*see)(void *arg, const struct corpus_file *f), void *arg)
{
    char path[PATH_MAX], **names;
    snprintf(path, sizeof path, "%s/%s/%s", folder, source, label);
    int n = corpus_names(path, &names);
    for (int i = 0; i < n; i++) {
        struct buf text = {0};
        struct err err = {0};
        snprintf(path, sizeof path, "%s/%s/%s/%s", folder, source, label, names[i]);
        struct corpus_file f = {source, label, path + strlen(folder) + 1, {0}};
        if (file_read(path, CORPUS_FILE_BYTES_MAX, &text, &err) == 0) {
            f.text = buf_view(&text);
            see(arg, &f);
        } else {
            fprintf(stderr, "%s\n", err.text);
        }
        buf_free(&text);
    }
    corpus_names_free(names, n);
}

/* Shows every file of the folder to `see`; returns how many sources there are. */
static inline int corpus_read(const char *folder,
                              void (*see)(void *arg, const struct corpus_file *f), void *arg)
{
    char path[PATH_MAX], **sources, **labels;
    int n_sources = corpus_names(folder, &sources);
    for (int i = 0; i < n_sources; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, sources[i]);
        int n_labels = corpus_names(path, &labels);
        for (int k = 0; k < n_labels; k++)
            corpus_read_label(folder, sources[i], labels[k], see, arg);
        corpus_names_free(labels, n_labels);
    }
    corpus_names_free(sources, n_sources);
    return n_sources;
}

static inline bool corpus_line_is_blank(struct str text, size_t at)
{
    while (at < text.len && (text.s[at] == ' ' || text.s[at] == '\t'))
        at++;
    return at == text.len || text.s[at] == '\n';
}

/* A line that most languages would call a comment: it says nothing about which one it is. */
static inline bool corpus_line_is_comment(struct str text, size_t at)
{
    static const char *const starts[] = {"//", "/*", "* ", "*/", "*\n", "# ", "-- ", "% ", "; "};
    while (at < text.len && (text.s[at] == ' ' || text.s[at] == '\t'))
        at++;
    for (size_t i = 0; i < COUNT_OF(starts); i++)
        if (str_starts(str_from(text, at), str_of(starts[i])))
            return true;
    return false;
}

/* Where the line after the one at `at` begins. */
static inline size_t corpus_next_line(struct str text, size_t at)
{
    const char *end = memchr(text.s + at, '\n', text.len - at);
    return end ? (size_t)(end - text.s) + 1 : text.len;
}

/* Whether something stands at the left edge of the line. */
static inline bool corpus_line_is_outer(struct str text, size_t at)
{
    return at < text.len && !strchr(" \t\n})]", text.s[at]);
}

static inline struct rng corpus_random(const struct corpus_file *f, unsigned index)
{
    uint64_t seed = index;
    for (const char *s = f->path; *s; s++)
        seed = rng_mix(seed ^ (unsigned char)*s);
    return rng_make(seed, 0);
}

/* Takes lines from `from` on until `wanted` of them say something and, for whole paragraphs, the
 * next one begins another; false if too few do. */
static inline bool corpus_cut(struct str text, size_t from, size_t wanted, bool whole,
                              struct str *ret)
{
    size_t to = from, lines = 0, inked = 0;
    bool blank = false;
    for (; to < text.len && lines < PIECE_LINES_MOST; lines++) {
        if (inked >= wanted && (!whole || (blank && corpus_line_is_outer(text, to))))
            break;
        blank = corpus_line_is_blank(text, to);
        inked += !blank && !corpus_line_is_comment(text, to);
        to = corpus_next_line(text, to);
    }
    if (to - from > PIECE_BYTES_MOST)
        to = from + PIECE_BYTES_MOST;
    *ret = str_make(text.s + from, to - from);
    return inked >= PIECE_LINES_LEAST && to - from >= PIECE_BYTES_LEAST;
}

/* Piece number `index` of a file, a view of its text; false if it has none worth looking at. It is
 * whole paragraphs, from one at the left edge (number 0: from the file's start) to before another
 * one, or until PIECE_LINES_MOST: functions, classes, short programs. Half are shorter than 20
 * lines; all have a few lines that are no comments. */
static inline bool corpus_piece(const struct corpus_file *f, unsigned index, struct str *ret)
{
    struct rng r = corpus_random(f, index);
    double u = rng_uniform(&r);
    size_t wanted = PIECE_LINES_LEAST + (size_t)(u * u * (PIECE_LINES_MOST - PIECE_LINES_LEAST));
    size_t from = 0, n = 0;
    bool blank = true;
    for (size_t at = 0; index && at < f->text.len; at = corpus_next_line(f->text, at)) {
        /* One of n, each as likely, without knowing n before. */
        if (blank && corpus_line_is_outer(f->text, at) && rng_below(&r, ++n) == 0)
            from = at;
        blank = corpus_line_is_blank(f->text, at);
    }
    return corpus_cut(f->text, from, wanted, true, ret);
}

/* Fragment number `index`: a few lines from anywhere, as of a body without its function. */
static inline bool corpus_fragment(const struct corpus_file *f, unsigned index, struct str *ret)
{
    struct rng r = corpus_random(f, ~index);
    size_t wanted = PIECE_LINES_LEAST + rng_below(&r, FRAGMENT_LINES_MOST - PIECE_LINES_LEAST);
    size_t from = 0, n = 0;
    for (size_t at = 0; at < f->text.len; at = corpus_next_line(f->text, at))
        if (rng_below(&r, ++n) == 0)
            from = at;
    return corpus_cut(f->text, from, wanted, false, ret);
}

#endif
