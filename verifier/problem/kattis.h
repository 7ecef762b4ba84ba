/* kattis.h: Kattis problem packages. Private to this folder. */
#ifndef ASSAY_PROBLEM_KATTIS_H
#define ASSAY_PROBLEM_KATTIS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

struct prb_load;

/* A folder with problem.yaml and data/ is one problem. */
bool prb_is_kattis(const char *folder);
int prb_load_kattis(struct prb_load *l, const char *folder, struct err *err);

/* ---- what has no files (kattis_flags.c) ------------------------------------------------------ */

/* What an output validator is told, and the default one understands. */
struct kattis_flags {
    double absolute, relative; /* 0: numbers are words */
    bool case_sensitive, space_change_sensitive;
    char words[512]; /* as they were given */
};

/* "float_tolerance 1e-6 case_sensitive". */
int kattis_flags_read(const char *text, struct kattis_flags *ret, struct err *err);
bool kattis_flags_equal(const struct kattis_flags *a, const struct kattis_flags *b);
json_t *kattis_flag_words(const struct kattis_flags *flags);

/* A list of words as one text, as far as it fits. */
void kattis_flags_join(const json_t *words, char *ret, size_t size);

/* The native checker that does what the default validator does; NULL with *err filled. */
json_t *kattis_flags_checker(const struct kattis_flags *flags, struct err *err);

/* Native limits: seconds (0: not stated), MiB of memory and of output (0: not stated). */
json_t *kattis_limits(double seconds, double memory, double output);

#endif
