/* kattis_flags.c: what a Kattis package says about checking outputs, and its limits, in native
 * terms. By default words are compared, letters in any case. A custom validator gets the flags as
 * they are, whatever they mean to it. */
#include "kattis.h"

#include <math.h>

#include "readers.h"

static const char blank[] = " \t\r\n";

static int read_number(const char *name, char **save, double *ret, struct err *err)
{
    char *word = strtok_r(NULL, blank, save), *end = NULL;
    double v = word ? strtod(word, &end) : 0;
    if (!word || *end || !(v > 0) || !isfinite(v))
        return err_set(err, -EINVAL, "flag `%s` needs a number above 0", name);
    *ret = v;
    return 0;
}

static int read_flag(const char *word, char **save, struct kattis_flags *f, struct err *err)
{
    if (strcmp(word, "case_sensitive") == 0)
        f->case_sensitive = true;
    else if (strcmp(word, "space_change_sensitive") == 0)
        f->space_change_sensitive = true;
    else if (strcmp(word, "float_absolute_tolerance") == 0)
        return read_number(word, save, &f->absolute, err);
    else if (strcmp(word, "float_relative_tolerance") == 0)
        return read_number(word, save, &f->relative, err);
    else if (strcmp(word, "float_tolerance") == 0) {
        TRY(read_number(word, save, &f->absolute, err));
        f->relative = f->absolute;
    }
    return 0;
}

int kattis_flags_read(const char *text, struct kattis_flags *ret, struct err *err)
{
    struct kattis_flags f = {0};
    char copy[sizeof f.words], *save = NULL;
    if (strlen(text) >= sizeof f.words)
        return err_set(err, -EINVAL, "validator flags of more than %zu bytes", sizeof f.words - 1);
    memcpy(f.words, text, strlen(text));
    memcpy(copy, f.words, sizeof copy);
    for (char *word = strtok_r(copy, blank, &save); word; word = strtok_r(NULL, blank, &save))
        TRY(read_flag(word, &save, &f, err));
    *ret = f;
    return 0;
}

json_t *kattis_flag_words(const struct kattis_flags *flags)
{
    json_t *list = json_array();
    char copy[sizeof flags->words], *save = NULL;
    memcpy(copy, flags->words, sizeof copy);
    for (char *word = strtok_r(copy, blank, &save); word; word = strtok_r(NULL, blank, &save))
        json_array_append_new(list, json_string(word));
    return list;
}

void kattis_flags_join(const json_t *words, char *ret, size_t size)
{
    size_t i, used = 0;
    json_t *word;
    ret[0] = 0;
    json_array_foreach (words, i, word)
        if (json_is_string(word) && used + json_string_length(word) + 2 < size)
            used += (size_t)snprintf(ret + used, size - used, "%s ", json_string_value(word));
}

bool kattis_flags_equal(const struct kattis_flags *a, const struct kattis_flags *b)
{
    json_t *x = kattis_flag_words(a), *y = kattis_flag_words(b);
    bool same = json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return same;
}

json_t *kattis_flags_checker(const struct kattis_flags *f, struct err *err)
{
    bool numbers = f->absolute > 0 || f->relative > 0;
    if (numbers && f->space_change_sensitive) {
        err_set(err, -EINVAL,
                "validator flags: space_change_sensitive with a tolerance cannot be judged");
        return NULL;
    }
    if (numbers) {
        json_t *options = json_pack("{s:b}", "ignore_case", !f->case_sensitive);
        if (f->absolute > 0)
            json_object_set_new(options, "absolute", json_real(f->absolute));
        if (f->relative > 0)
            json_object_set_new(options, "relative", json_real(f->relative));
        return json_pack("{s:o}", "float", options);
    }
    return json_pack("{s:{s:b}}", f->space_change_sensitive ? "exact" : "tokens", "ignore_case",
                     !f->case_sensitive);
}

json_t *kattis_limits(double seconds, double memory, double output)
{
    struct limits l = LIMITS_DEFAULT;
    double cpu = fmin(fmax(2 * seconds, 4), 600);
    /* A stated memory limit is for a program with its interpreter, and no less than the default. */
    int mib = memory > l.memory_mib ? (int)fmin(memory, 1 << 16) : l.memory_mib;
    int kib = output > 0 ? (int)fmin(fmax(output * 1024, l.output_kib), 1 << 16) : l.output_kib;
    return json_pack("{s:f, s:f, s:i, s:i}", "cpu_s", cpu, "wall_s", 2 * cpu + 5, "memory_mib", mib,
                     "output_kib", kib);
}
