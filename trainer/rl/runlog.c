/* runlog.c: the run folder. metrics.jsonl, completions/step_N.jsonl and TensorBoard's events grow a
 * line (a record) at a time and each is flushed, so that a killed run leaves whole ones but for the
 * last; everything else appears complete or not at all. */
#include "trainer/rl/runlog.h"

#include <dirent.h>
#include <ftw.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/file.h"
#include "trainer/rl/events.h"

enum { METRICS_BYTES_MAX = 1 << 30 };

struct runlog {
    char *dir;
    struct arena names;
    FILE *metrics, *completions;
    struct events *events;
    int completions_step;
};

/* What is being removed has this name: half of a checkpoint must not be taken for a whole one. */
#define DISCARDED "discarded"

/* What a run makes; RUNLOG_OVERWRITE removes these and nothing else. */
static const char *const OWN[] = {"recipe.yaml",  "metrics.jsonl", "summary.json", "report.html",
                                  "verifier.log", "completions",   "checkpoints",  "model",
                                  "adapter",      DISCARDED};

static bool is_own(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(OWN); i++)
        if (strcmp(name, OWN[i]) == 0)
            return true;
    return strncmp(name, "events.", 7) == 0;
}

/* A file that its writer did not get to rename: NAME.new-PID. */
static bool is_unfinished(const char *name)
{
    const char *mark = strstr(name, ".new-");
    return mark && mark[5] && strspn(mark + 5, "0123456789") == strlen(mark + 5);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st, (void)flag, (void)at;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

const char *runlog_path(struct runlog *r, const char *name)
{
    struct buf path = {0};
    buf_printf(&path, "%s/%s", r->dir, name);
    const char *kept = arena_str(&r->names, buf_view(&path)).s;
    buf_free(&path);
    return kept;
}

/* Counts the entries of the folder; *ret_run: it holds a recipe.yaml. An absent folder is empty; so
 * is one in which nothing but a recipe was begun. */
static int look(const char *dir, int *ret_entries, bool *ret_run, struct err *err)
{
    *ret_entries = 0;
    *ret_run = false;
    DIR *d = opendir(dir);
    if (!d)
        return errno == ENOENT ? 0 : err_set(err, -errno, "%s: %s", dir, strerror(errno));
    for (struct dirent *e; (e = readdir(d));) {
        *ret_entries += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
                        !(strncmp(e->d_name, "recipe.yaml", 11) == 0 && is_unfinished(e->d_name));
        *ret_run |= strcmp(e->d_name, "recipe.yaml") == 0;
    }
    closedir(d);
    return 0;
}

static int remove_own(struct runlog *r, const char *name, struct err *err)
{
    const char *path = runlog_path(r, name), *gone = runlog_path(r, DISCARDED);
    errno = 0;
    nftw(gone, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (strcmp(name, DISCARDED) == 0 ||
        (rename(path, gone) == 0 && nftw(gone, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0))
        return 0;
    return err_set(err, errno ? -errno : -EIO, "%s: cannot be removed: %s", path, strerror(errno));
}

/* All but recipe.yaml, without which nobody could tell that the folder is a run's. */
static int remove_former(struct runlog *r, struct err *err)
{
    DIR *d = opendir(r->dir);
    int rc = 0;
    if (!d)
        return err_set(err, -errno, "%s: %s", r->dir, strerror(errno));
    for (struct dirent *e; rc == 0 && (e = readdir(d));)
        if (is_own(e->d_name) && strcmp(e->d_name, "recipe.yaml") != 0)
            rc = remove_own(r, e->d_name, err);
    closedir(d);
    return rc;
}

/* What a killed run left half written beside its files. */
static void remove_unfinished(struct runlog *r)
{
    static const char *const folders[] = {".", "model", "adapter"};
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        DIR *d = opendir(runlog_path(r, folders[i]));
        for (const struct dirent *e; d && (e = readdir(d));)
            if (is_unfinished(e->d_name))
                unlinkat(dirfd(d), e->d_name, 0);
        if (d)
            closedir(d);
    }
}

/* mkdir -p */
static int make_folders(const char *dir, struct err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s", dir) >= PATH_MAX)
        return err_set(err, -ENAMETOOLONG, "%.200s...: name too long", dir);
    for (char *p = path + 1;; p++) {
        char c = *p;
        if (c && c != '/')
            continue;
        *p = 0;
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return err_set(err, -errno, "%s: %s", path, strerror(errno));
        *p = c;
        if (!c)
            return 0;
    }
}

static int open_lines(struct runlog *r, const char *name, const char *mode, FILE **ret,
                      struct err *err)
{
    const char *path = runlog_path(r, name);
    FILE *f = fopen(path, mode);
    if (!f)
        return err_set(err, -errno, "%s: %s", path, strerror(errno));
    *ret = f;
    return 0;
}

int runlog_check(const char *dir, enum runlog_mode mode, struct err *err)
{
    int entries;
    bool is_run;
    TRY(look(dir, &entries, &is_run, err));
    if (entries && mode == RUNLOG_NEW)
        return err_set(err, -EEXIST,
                       "%s: the folder is not empty (--overwrite replaces a former run, --out "
                       "names another folder)",
                       dir);
    if (entries && mode == RUNLOG_OVERWRITE && !is_run)
        return err_set(
            err, -EEXIST,
            "%s: not overwritten: the folder holds something else than a run (no recipe.yaml)",
            dir);
    if (mode == RUNLOG_RESUME && !is_run)
        return err_set(err, -ENOENT, "%s: nothing to resume (no recipe.yaml)", dir);
    return 0;
}

int runlog_open(const char *dir, enum runlog_mode mode, struct str recipe, struct runlog **ret,
                struct err *err)
{
    TRY(runlog_check(dir, mode, err));
    struct runlog *r = xcalloc(1, sizeof *r);
    r->dir = check_alloc(strdup(dir));
    int rc = make_folders(dir, err);
    if (rc == 0 && mode == RUNLOG_OVERWRITE)
        rc = remove_former(r, err);
    if (rc == 0)
        remove_unfinished(r);
    if (rc == 0)
        rc = runlog_file(r, "recipe.yaml", recipe, err);
    if (rc == 0)
        rc = make_folders(runlog_path(r, "completions"), err);
    if (rc == 0)
        rc = open_lines(r, "metrics.jsonl", "ae", &r->metrics, err);
    if (rc == 0)
        rc = events_open(runlog_path(r, EVENTS_NAME), runlog_path(r, "metrics.jsonl"), &r->events,
                         err);
    if (rc < 0)
        runlog_close(r);
    else
        *ret = r;
    return rc;
}

void runlog_close(struct runlog *r)
{
    if (!r)
        return;
    if (r->metrics)
        fclose(r->metrics);
    if (r->completions)
        fclose(r->completions);
    events_close(r->events);
    arena_free(&r->names);
    free(r->dir);
    free(r);
}

int runlog_file(struct runlog *r, const char *name, struct str text, struct err *err)
{
    return file_replace(runlog_path(r, name), text, err);
}

int runlog_json(struct runlog *r, const char *name, const json_t *json, struct err *err)
{
    struct buf text = {0};
    char *dump = check_alloc(json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(9)));
    buf_printf(&text, "%s\n", dump);
    free(dump);
    int rc = runlog_file(r, name, buf_view(&text), err);
    buf_free(&text);
    return rc;
}

static int write_line(struct runlog *r, const char *name, FILE *f, json_t *line, struct err *err)
{
    int rc = json_dumpf(line, f, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(line);
    if (rc != 0 || fputc('\n', f) == EOF || fflush(f) != 0)
        return err_set(err, errno ? -errno : -EIO, "%s/%s: %s", r->dir, name, strerror(errno));
    return 0;
}

int runlog_metrics(struct runlog *r, json_t *line, struct err *err)
{
    json_t *kept = json_incref(line);
    int rc = write_line(r, "metrics.jsonl", r->metrics, line, err);
    if (rc == 0)
        rc = events_line(r->events, kept, err);
    json_decref(kept);
    return rc;
}

int runlog_lines(const char *dir, json_t *list, struct err *err)
{
    char path[PATH_MAX];
    struct buf text = {0};
    int number = 0;
    snprintf(path, sizeof path, "%s/metrics.jsonl", dir);
    TRY(file_read(path, METRICS_BYTES_MAX, &text, err));
    struct str rest = buf_view(&text);
    int rc = 0;
    for (ptrdiff_t end; rc == 0 && (end = str_find(rest, STR("\n"), 0)) >= 0;
         rest = str_from(rest, (size_t)end + 1)) {
        json_error_t bad;
        number++;
        if (end == 0)
            continue;
        json_t *line = json_loadb(rest.s, (size_t)end, 0, &bad);
        if (line)
            json_array_append_new(list, line);
        else
            rc = err_set(err, -EINVAL, "%s:%d: %s", path, number, bad.text);
    }
    buf_free(&text);
    return rc;
}

int runlog_sync(struct runlog *r, long *ret_bytes, struct err *err)
{
    struct stat st;
    if (fsync(fileno(r->metrics)) != 0 || fstat(fileno(r->metrics), &st) != 0)
        return err_set(err, -errno, "%s/metrics.jsonl: %s", r->dir, strerror(errno));
    *ret_bytes = st.st_size;
    return 0;
}

int runlog_completion(struct runlog *r, int step, json_t *line, struct err *err)
{
    char name[64];
    snprintf(name, sizeof name, "completions/step_%d.jsonl", step);
    if (!r->completions || r->completions_step != step) {
        if (r->completions)
            fclose(r->completions);
        r->completions = NULL;
        r->completions_step = step;
        int rc = open_lines(r, name, "we", &r->completions, err);
        if (rc < 0) {
            json_decref(line);
            return rc;
        }
    }
    return write_line(r, name, r->completions, line, err);
}
