/* kattis.c: a Kattis problem package: a folder with problem.yaml and data/.
 *
 *   problem.yaml                    name, limits, validation, validator_flags
 *   problem_statement/, statement/  what the model is shown, the English text first
 *   data/sample, data/secret        X.in and X.ans; folders below are groups of the verdict
 *   data/.../testdata.yaml          output_validator_flags, and points (accept_score)
 *   submissions/accepted            Python: the reference; the others must agree with it
 *   submissions/wrong_answer, ...   Python: must fail
 *   output_validators/              one in Python is the checker
 *   .timelimit                      seconds
 *
 * The package becomes the object of a native problem, which the native reader then checks like
 * any other. What cannot be done here is an error: interactive and multi-pass problems,
 * validators in other languages, groups that are checked each in another way. Programs in other
 * languages under submissions/ are passed over. */
#include <dirent.h>

#include "base/file.h"
#include "kattis.h"
#include "load.h"

enum { FILE_BYTES_MAX = 64 << 20, TESTS_DEPTH_MAX = 8, PATH_BYTES = 4096 };

struct package {
    const char *path;
    struct err *err;
    json_t *problem; /* the native object under construction */
    json_t *config;  /* problem.yaml, {} if empty */
    struct kattis_flags flags;
    bool flags_set;
};

static int fail(const struct package *k, const char *file, const char *what)
{
    return err_set(k->err, -EINVAL, "%s/%s: %s", k->path, file, what);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

/* `parent/name`; false when it does not fit. */
static bool join(char out[PATH_BYTES], const char *parent, const char *name)
{
    return snprintf(out, PATH_BYTES, "%s/%s", parent, name) < PATH_BYTES;
}

/* The names in a folder, sorted, without those that begin with a dot; 0 when it is not there. */
static int names_in(const char *path, struct dirent ***ret)
{
    int n = scandir(path, ret, NULL, alphasort), kept = 0;
    for (int i = 0; i < n; i++) {
        if ((*ret)[i]->d_name[0] != '.')
            (*ret)[kept++] = (*ret)[i];
        else
            free((*ret)[i]);
    }
    if (n < 0)
        *ret = NULL;
    return kept;
}

static void free_names(struct dirent **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

/* A file as text; it must be UTF-8. */
static int read_text(const struct package *k, const char *path, json_t **ret)
{
    struct buf bytes = {0};
    TRY(file_read(path, FILE_BYTES_MAX, &bytes, k->err));
    json_t *text = json_stringn(buf_view(&bytes).s, bytes.len);
    buf_free(&bytes);
    if (!text)
        return err_set(k->err, -EINVAL, "%s: not UTF-8", path);
    *ret = text;
    return 0;
}

/* One YAML document, a mapping; {} when the file is empty or missing. */
static int read_yaml(const struct package *k, const char *path, json_t **ret)
{
    struct buf text = {0};
    struct yaml y = {0};
    if (access(path, F_OK) != 0) {
        *ret = json_object();
        return 0;
    }
    int rc = file_read(path, FILE_BYTES_MAX, &text, k->err);
    if (rc == 0)
        rc = yaml_load(path, buf_view(&text).s, text.len, &y, k->err);
    json_t *doc = json_array_get(y.docs, 0);
    if (rc == 0 && doc && !json_is_object(doc) && !json_is_null(doc))
        rc = err_set(k->err, -EINVAL, "%s: expected a mapping", path);
    if (rc == 0)
        *ret = json_is_object(doc) ? json_incref(doc) : json_object();
    yaml_free(&y);
    buf_free(&text);
    return rc;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static int take_flags(struct package *k, const char *file, const char *text)
{
    struct kattis_flags flags = {0};
    if (kattis_flags_read(text, &flags, k->err) < 0)
        return err_prefix(k->err, "%s", file);
    if (k->flags_set && !kattis_flags_equal(&flags, &k->flags))
        return err_set(k->err, -EINVAL,
                       "%s: groups whose outputs are checked in different ways cannot be judged",
                       file);
    k->flags = flags;
    k->flags_set = true;
    return 0;
}

/* How the tests of a folder are checked and what they are worth: what a folder does not say
 * itself is as in the folder above. */
struct settings {
    char flags[512];
    double points;
};

static int read_settings(const struct package *k, const char *folder, struct settings *s)
{
    static const char *const names[] = {"testdata.yaml", "test_group.yaml"};
    char file[PATH_BYTES];
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        json_t *doc = NULL;
        if (!join(file, folder, names[i]))
            return err_set(k->err, -ENAMETOOLONG, "%.200s...: name too long", folder);
        TRY(read_yaml(k, file, &doc));
        const json_t *score = json_object_get(doc, "accept_score");
        const char *flags = prb_text(doc, "output_validator_flags", NULL);
        bool fits = !flags || strlen(flags) < sizeof s->flags;
        if (flags && fits)
            snprintf(s->flags, sizeof s->flags, "%s", flags);
        if (json_is_number(score))
            s->points = json_number_value(score);
        if (json_object_get(doc, "output_validator_args"))
            kattis_flags_join(json_object_get(doc, "output_validator_args"), s->flags,
                              sizeof s->flags);
        json_decref(doc);
        if (!fits)
            return err_set(k->err, -EINVAL, "%s: `output_validator_flags` is too long", file);
    }
    return 0;
}

static int add_test(struct package *k, const char *in, const char *group, const struct settings *s)
{
    char out[PATH_BYTES];
    json_t *input = NULL, *answer = NULL;
    TRY(take_flags(k, in, s->flags));
    snprintf(out, sizeof out, "%.*s.ans", (int)(strlen(in) - 3), in);
    int rc = read_text(k, in, &input);
    if (rc == 0)
        rc = read_text(k, out, &answer);
    if (rc == 0)
        json_array_append_new(json_object_get(k->problem, "stdio"),
                              json_pack("{s:O, s:O, s:s, s:f}", "stdin", input, "stdout", answer,
                                        "group", group, "points", s->points));
    json_decref(input);
    json_decref(answer);
    return rc;
}

static int add_folder(struct package *k, const char *path, const char *group, struct settings s,
                      int depth);

static int add_entry(struct package *k, const char *path, const char *name, const char *group,
                     const struct settings *s, int depth)
{
    char child[PATH_BYTES], below[PATH_BYTES];
    if (!join(child, path, name) || !join(below, group, name))
        return err_set(k->err, -ENAMETOOLONG, "%.200s...: name too long", path);
    if (is_folder(child))
        return depth < TESTS_DEPTH_MAX ? add_folder(k, child, below, *s, depth + 1) : 0;
    return ends_with(name, ".in") ? add_test(k, child, group, s) : 0;
}

static int add_folder(struct package *k, const char *path, const char *group, struct settings s,
                      int depth)
{
    struct dirent **names;
    TRY(read_settings(k, path, &s));
    int n = names_in(path, &names), rc = 0;
    for (int i = 0; i < n && rc == 0; i++)
        rc = add_entry(k, path, names[i]->d_name, group, &s, depth);
    free_names(names, n);
    return rc;
}

static int add_tests(struct package *k)
{
    static const char *const parts[] = {"sample", "secret"};
    struct settings s = {.points = 1};
    char path[PATH_BYTES];
    snprintf(s.flags, sizeof s.flags, "%s", prb_text(k->config, "validator_flags", ""));
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        snprintf(path, sizeof path, "%.3000s/data/%s", k->path, parts[i]);
        if (is_folder(path))
            TRY(add_folder(k, path, parts[i], s, 0));
    }
    return json_array_size(json_object_get(k->problem, "stdio"))
               ? 0
               : fail(k, "data", "no test: neither sample/*.in nor secret/*.in");
}

/* ---- programs -------------------------------------------------------------------------------- */

/* A Python program: the file itself, or the only Python file of a folder. False: it is none. */
static bool python_file(const char *path, char out[PATH_BYTES])
{
    struct dirent **names;
    int found = 0;
    if (!is_folder(path))
        return ends_with(path, ".py") && snprintf(out, PATH_BYTES, "%s", path) < PATH_BYTES;
    int n = names_in(path, &names);
    for (int i = 0; i < n; i++)
        found += ends_with(names[i]->d_name, ".py") && join(out, path, names[i]->d_name);
    free_names(names, n);
    return found == 1;
}

static bool is_python2(const json_t *source)
{
    const char *s = json_string_value(source), *end = strchr(s, '\n');
    struct str first = str_make(s, end ? (size_t)(end - s) : strlen(s));
    return str_starts(first, STR("#!")) && str_find(first, STR("python2"), 0) >= 0;
}

/* The Python programs of submissions/KIND, appended to `to`. */
static int add_submissions(const struct package *k, const char *kind, json_t *to)
{
    char folder[PATH_BYTES], path[PATH_BYTES], file[PATH_BYTES];
    struct dirent **names;
    int rc = 0;
    snprintf(folder, sizeof folder, "%.3000s/submissions/%s", k->path, kind);
    int n = names_in(folder, &names);
    for (int i = 0; i < n && rc == 0; i++) {
        json_t *source = NULL;
        if (!join(path, folder, names[i]->d_name) || !python_file(path, file))
            continue;
        rc = read_text(k, file, &source);
        if (rc == 0 && !is_python2(source))
            json_array_append(to, source);
        json_decref(source);
    }
    free_names(names, n);
    return rc;
}

static int add_solutions(struct package *k)
{
    static const char *const failing[] = {"wrong_answer", "time_limit_exceeded", "run_time_error",
                                          "partially_accepted"};
    json_t *right = json_array(), *wrong = json_array();
    json_object_set_new(k->problem, "wrong", wrong);
    int rc = add_submissions(k, "accepted", right);
    for (size_t i = 0; i < COUNT_OF(failing) && rc == 0; i++)
        rc = add_submissions(k, failing[i], wrong);
    if (json_array_size(right)) {
        json_object_set(k->problem, "reference", json_array_get(right, 0));
        json_array_remove(right, 0);
        json_object_set(k->problem, "references", right);
    }
    json_decref(right);
    return rc;
}

/* ---- how outputs are checked ----------------------------------------------------------------- */

/* The validator in `folder`, if it is one program in Python. */
static int add_validator(struct package *k, const char *folder)
{
    char path[PATH_BYTES], at[PATH_BYTES], file[PATH_BYTES];
    struct dirent **names;
    snprintf(path, sizeof path, "%.3000s/%s", k->path, folder);
    int n = names_in(path, &names);
    bool python = n == 1 && join(at, path, names[0]->d_name) && python_file(at, file);
    free_names(names, n);
    if (!python && !python_file(path, file))
        return fail(k, folder, "only one output validator, in one Python file, can be run here");
    json_t *source = NULL, *flags = kattis_flag_words(&k->flags);
    int rc = read_text(k, file, &source);
    if (rc == 0)
        json_object_set_new(
            k->problem, "checker",
            json_pack("{s:O, s:s, s:O}", "program", source, "protocol", "kattis", "flags", flags));
    json_decref(source);
    json_decref(flags);
    return rc;
}

static int add_checker(struct package *k)
{
    static const char *const folders[] = {"output_validator", "output_validators"};
    const char *validation = prb_text(k->config, "validation", ""),
               *type = prb_text(k->config, "type", "");
    char path[PATH_BYTES];
    if (strstr(validation, "interactive") || strstr(type, "interactive") ||
        strstr(type, "multi-pass"))
        return fail(k, "problem.yaml", "interactive and multi-pass problems cannot be judged");
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        snprintf(path, sizeof path, "%.3000s/%s", k->path, folders[i]);
        if (is_folder(path) && strcmp(validation, "default") != 0)
            return add_validator(k, folders[i]);
    }
    if (strstr(validation, "custom"))
        return fail(k, "problem.yaml", "`validation` is custom, but there is no output validator");
    json_t *checker = kattis_flags_checker(&k->flags, k->err);
    if (!checker)
        return err_prefix(k->err, "%s/problem.yaml", k->path);
    json_object_set_new(k->problem, "checker", checker);
    return 0;
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* Which of two statements is shown: English before the others, Markdown before TeX. */
static int statement_rank(const char *name)
{
    bool english = strstr(name, ".en.") != NULL,
         plain = strcmp(name, "problem.tex") == 0 || strcmp(name, "problem.md") == 0;
    int format = ends_with(name, ".md") ? 2 : ends_with(name, ".tex") ? 1 : 0;
    return format ? 10 * (english + plain) + format : 0;
}

static int add_statement(struct package *k)
{
    static const char *const folders[] = {"problem_statement", "statement"};
    char path[PATH_BYTES], best[PATH_BYTES];
    struct dirent **names;
    int rank = 0;
    for (size_t f = 0; f < COUNT_OF(folders); f++) {
        snprintf(path, sizeof path, "%.3000s/%s", k->path, folders[f]);
        int n = names_in(path, &names);
        for (int i = 0; i < n; i++)
            if (statement_rank(names[i]->d_name) > rank && join(best, path, names[i]->d_name))
                rank = statement_rank(names[i]->d_name);
        free_names(names, n);
    }
    if (!rank)
        return fail(k, "problem_statement", "no statement (.md or .tex)");
    json_t *text = NULL;
    TRY(read_text(k, best, &text));
    json_object_set_new(k->problem, "prompt", text);
    return 0;
}

static int add_limits(struct package *k)
{
    const json_t *limits = json_object_get(k->config, "limits");
    double seconds = json_number_value(json_object_get(limits, "time_limit")),
           memory = json_number_value(json_object_get(limits, "memory")),
           output = json_number_value(json_object_get(limits, "output"));
    char path[PATH_BYTES], *end;
    json_t *text = NULL;
    if (join(path, k->path, ".timelimit") && access(path, F_OK) == 0) {
        TRY(read_text(k, path, &text));
        seconds = strtod(json_string_value(text), &end);
        bool bad = end == json_string_value(text) || !(seconds > 0);
        json_decref(text);
        if (bad)
            return fail(k, ".timelimit", "no number of seconds");
    }
    json_object_set_new(k->problem, "limits", kattis_limits(seconds, memory, output));
    return 0;
}

static int read_package(struct package *k)
{
    char file[PATH_BYTES], real[PATH_MAX];
    if (!join(file, k->path, "problem.yaml") || strlen(k->path) > 3000)
        return err_set(k->err, -ENAMETOOLONG, "%.200s...: name too long", k->path);
    TRY(read_yaml(k, file, &k->config));
    const char *name = strrchr(realpath(k->path, real) ? real : k->path, '/');
    k->problem = json_pack("{s:s, s:[]}", "id", name ? name + 1 : k->path, "stdio");
    if (!k->problem)
        return err_set(k->err, -EINVAL, "%s: its name is not UTF-8", k->path);
    TRY(add_statement(k));
    TRY(add_tests(k));
    TRY(add_checker(k));
    TRY(add_solutions(k));
    return add_limits(k);
}

bool prb_is_kattis(const char *folder)
{
    char file[PATH_BYTES], data[PATH_BYTES];
    return join(file, folder, "problem.yaml") && join(data, folder, "data") &&
           access(file, R_OK) == 0 && is_folder(data);
}

int prb_load_kattis(struct prb_load *l, const char *folder, struct err *err)
{
    struct package k = {.path = folder, .err = err};
    int rc = read_package(&k);
    if (rc == 0)
        rc = prb_load_object(l, k.problem, &(struct where){.file = folder}, err);
    json_decref(k.problem);
    json_decref(k.config);
    return rc;
}
