/* samples.c: JSON lines in, checked items out. */
#include "samples.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 256 << 10 };

int samples_open(struct samples *s, const char *path, struct err *err)
{
    bool from_stdin = strcmp(path, "-") == 0;
    struct stat st;
    int fd =
        from_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, -errno, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(fd);
        return err_set(err, -EISDIR, "%s: is a folder, samples are a JSONL file", path);
    }
    *s = (struct samples){.gz = gzdopen(fd, "rb"), .name = strdup(from_stdin ? "stdin" : path)};
    CHECK(s->gz && s->name);
    gzbuffer(s->gz, 128 << 10);
    buf_reserve(&s->text, READ_BYTES);
    return 0;
}

void samples_close(struct samples *s)
{
    if (s->gz)
        gzclose(s->gz);
    free(s->name);
    buf_free(&s->text);
    *s = (struct samples){0};
}

/* Reads on. The line that is being looked for begins at s->at. */
static int fill(struct samples *s, struct err *err)
{
    int code = Z_OK;
    memmove(s->text.s, s->text.s + s->at, s->text.len - s->at);
    s->text.len -= s->at;
    s->at = 0;
    if (s->text.len > SAMPLE_LINE_BYTES_MAX)
        return err_set(err, -EFBIG, "%s:%ld: line longer than %d bytes", s->name, s->line + 1,
                       SAMPLE_LINE_BYTES_MAX);
    buf_reserve(&s->text, READ_BYTES);
    int n = gzread(s->gz, s->text.s + s->text.len, READ_BYTES);
    const char *what = gzerror(s->gz, &code);
    if (n < 0 || code == Z_BUF_ERROR)
        return err_set(err, -EIO, "%s:%ld: %s", s->name, s->line + 1,
                       code == Z_ERRNO       ? strerror(errno)
                       : code == Z_BUF_ERROR ? "the gzip data ends too early"
                                             : what);
    s->text.len += (size_t)n;
    s->text.s[s->text.len] = 0;
    s->ended = n == 0;
    return 0;
}

/* 1 with the next line that is not blank, 0 at the end. */
static int next_line(struct samples *s, struct str *ret_line, struct err *err)
{
    size_t looked = s->at;
    for (;;) {
        char *end =
            looked < s->text.len ? memchr(s->text.s + looked, '\n', s->text.len - looked) : NULL;
        if (!end && !s->ended) {
            looked = s->text.len - s->at;
            TRY(fill(s, err));
            continue;
        }
        if (!end && s->at == s->text.len)
            return 0;
        size_t stop = end ? (size_t)(end - s->text.s) : s->text.len;
        *ret_line = str_make(s->text.s + s->at, stop - s->at);
        s->at = looked = end ? stop + 1 : stop;
        s->line++;
        if (strspn(ret_line->s, " \t\r") < ret_line->len)
            return 1;
    }
}

const char *const sample_kinds[SAMPLE_KINDS] = {"response", "completion", "solution"};

struct str samples_text(const json_t *item)
{
    const json_t *text = NULL;
    for (int i = 0; i < SAMPLE_KINDS && !text; i++)
        text = json_object_get(item, sample_kinds[i]);
    return text ? str_make(json_string_value(text), json_string_length(text)) : STR("");
}

int samples_check(json_t *item, const struct problem_set *set, const char *where,
                  const struct problem **ret_problem, struct err *err)
{
    const char *found = NULL;
    if (!json_is_object(item))
        return err_set(err, -EINVAL, "%s: a sample must be an object", where);
    for (int i = 0; i < SAMPLE_KINDS; i++) {
        const json_t *v = json_object_get(item, sample_kinds[i]);
        if (v && !json_is_string(v))
            return err_set(err, -EINVAL, "%s: key `%s` must be a string", where, sample_kinds[i]);
        if (v && found)
            return err_set(err, -EINVAL,
                           "%s: both `%s` and `%s`: give one of response, completion and solution",
                           where, found, sample_kinds[i]);
        found = v ? sample_kinds[i] : found;
    }
    if (!found)
        return err_set(err, -EINVAL,
                       "%s: one of the keys `response`, `completion` and `solution` is needed",
                       where);
    const json_t *id = json_object_get(item, "task_id");
    if (json_is_integer(id)) {
        json_object_set_new(item, "task_id",
                            json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(id)));
        id = json_object_get(item, "task_id");
    }
    if (!json_is_string(id))
        return err_set(err, -EINVAL, "%s: key `task_id` %s", where,
                       id ? "must be a string" : "is missing");
    const struct problem *p = problems_find(set, json_string_value(id));
    if (!p)
        return err_set(err, -ENOENT, "%s: key `task_id`: there is no problem \"%.100s\"", where,
                       json_string_value(id));
    *ret_problem = p;
    return 0;
}

int samples_next(struct samples *s, const struct problem_set *set, json_t **ret_item,
                 const struct problem **ret_problem, struct err *err)
{
    struct str line;
    json_error_t why;
    int rc = next_line(s, &line, err);
    if (rc <= 0)
        return rc;
    json_t *item = json_loadb(line.s, line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (!item)
        return err_set(err, -EINVAL, "%s:%ld: not a whole JSON object: column %d: %s", s->name,
                       s->line, why.column, why.text);
    char where[512];
    snprintf(where, sizeof where, "%.400s:%ld", s->name, s->line);
    rc = samples_check(item, set, where, ret_problem, err);
    if (rc < 0) {
        json_decref(item);
        return rc;
    }
    *ret_item = item;
    return 1;
}
