/* files.c: the objects in problem files. The name says the format, .yaml .yml .json .jsonl, each
 * also with .gz; stdin (`-`) is told by its first byte. A folder stands for every such file
 * below it, in name order, names that start with a dot are skipped; but a folder that is a Kattis
 * package is one problem. JSON refuses duplicate keys
 * as YAML does. */
#include <dirent.h>

#include "base/file.h"
#include "kattis.h"
#include "load.h"

enum { FILE_BYTES_MAX = 1 << 30, FOLDER_DEPTH_MAX = 16 };
static const char stdin_name[] = "<stdin>";

enum format { FORMAT_NONE, FORMAT_YAML, FORMAT_JSON, FORMAT_JSONL };

static enum format format_of_name(const char *path)
{
    static const struct {
        const char *end;
        enum format format;
    } ends[] = {{".yaml", FORMAT_YAML},
                {".yml", FORMAT_YAML},
                {".json", FORMAT_JSON},
                {".jsonl", FORMAT_JSONL}};
    size_t n = strlen(path);
    if (n > 3 && strcmp(path + n - 3, ".gz") == 0)
        n -= 3;
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        size_t k = strlen(ends[i].end);
        if (n > k && strncmp(path + n - k, ends[i].end, k) == 0)
            return ends[i].format;
    }
    return FORMAT_NONE;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static enum format format_of_text(struct str text)
{
    size_t i = 0;
    while (i < text.len && is_blank(text.s[i]))
        i++;
    char first = i < text.len ? text.s[i] : 0;
    return first == '{' ? FORMAT_JSONL : first == '[' ? FORMAT_JSON : FORMAT_YAML;
}

static json_t *parse_json(struct str text, const char *name, int line, struct err *err)
{
    json_error_t je;
    json_t *value = prb_parse_json(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &je);
    if (!value)
        err_set(err, -EINVAL, "%s:%d: %s (column %d)%s", name, line + je.line - 1, je.text,
                je.column,
                json_error_code(&je) == json_error_numeric_overflow
                    ? ": write such numbers as Python source (`call:`, `returns:`)"
                    : "");
    return value;
}

static int load_jsonl(struct prb_load *l, const char *name, struct str text, struct err *err)
{
    struct where w = {.file = name};
    int rc = 0;
    for (size_t at = 0; at < text.len && rc == 0;) {
        ptrdiff_t end = str_find(text, STR("\n"), at);
        struct str line = str_make(text.s + at, (end < 0 ? text.len : (size_t)end) - at);
        at += line.len + 1;
        w.line++;
        size_t blank = 0;
        while (blank < line.len && is_blank(line.s[blank]))
            blank++;
        if (blank == line.len)
            continue;
        json_t *object = parse_json(line, name, w.line, err);
        if (!object)
            return -EINVAL;
        rc = prb_load_object(l, object, &w, err);
        json_decref(object);
    }
    return rc;
}

static int load_json(struct prb_load *l, const char *name, struct str text, struct err *err)
{
    json_t *value = parse_json(text, name, 1, err), *item;
    char place[512];
    size_t i;
    int rc = value ? 0 : -EINVAL;
    if (json_is_object(value))
        rc = prb_load_object(l, value, &(struct where){.file = name}, err);
    json_array_foreach (value, i, item) {
        snprintf(place, sizeof place, "%.400s: [%zu]", name, i);
        if ((rc = prb_load_object(l, item, &(struct where){.file = place}, err)) < 0)
            break;
    }
    json_decref(value);
    return rc;
}

static int load_yaml(struct prb_load *l, const char *name, struct str text, struct err *err)
{
    struct yaml y;
    json_t *doc;
    size_t i;
    int rc = 0;
    TRY(yaml_load(name, text.s, text.len, &y, err));
    json_array_foreach (y.docs, i, doc) {
        struct where w = {.file = name, .line = yaml_line(&y, doc), .yaml = &y};
        if (!json_is_null(doc)) /* an empty document between two `---` */
            rc = prb_load_object(l, doc, &w, err);
        if (rc < 0)
            break;
    }
    yaml_free(&y);
    return rc;
}

int prb_load_text(struct prb_load *l, const char *name, struct str text, struct err *err)
{
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_from(text, 3);
    switch (strcmp(name, stdin_name) == 0 ? format_of_text(text) : format_of_name(name)) {
    case FORMAT_YAML:
        return load_yaml(l, name, text, err);
    case FORMAT_JSON:
        return load_json(l, name, text, err);
    case FORMAT_JSONL:
        return load_jsonl(l, name, text, err);
    case FORMAT_NONE:
        break;
    }
    return err_set(err, -EINVAL, "%s: not a problem file (.yaml .yml .json .jsonl, each also .gz)",
                   name);
}

static int load_file(struct prb_load *l, const char *path, struct err *err)
{
    struct buf content = {0};
    int rc = file_read(path, FILE_BYTES_MAX, &content, err);
    if (rc == 0)
        rc = prb_load_text(l, strcmp(path, "-") == 0 ? stdin_name : path, buf_view(&content), err);
    buf_free(&content);
    return rc;
}

static int load_folder(struct prb_load *l, const char *path, int depth, struct err *err)
{
    struct dirent **names = NULL;
    struct stat st;
    if (prb_is_kattis(path))
        return prb_load_kattis(l, path, err);
    int n = scandir(path, &names, NULL, alphasort), rc = 0;
    if (n < 0)
        return err_set(err, -errno, "%s: %s", path, strerror(errno));
    for (int i = 0; i < n; i++) {
        char *child = NULL;
        CHECK(asprintf(&child, "%s/%s", path, names[i]->d_name) >= 0);
        if (rc == 0 && names[i]->d_name[0] != '.' && stat(child, &st) == 0) {
            if (S_ISDIR(st.st_mode) && depth < FOLDER_DEPTH_MAX)
                rc = load_folder(l, child, depth + 1, err);
            else if (S_ISREG(st.st_mode) && format_of_name(child) != FORMAT_NONE)
                rc = load_file(l, child, err);
        }
        free(child);
        free(names[i]);
    }
    free(names);
    return rc;
}

int prb_load_path(struct prb_load *l, const char *path, struct err *err)
{
    struct stat st;
    if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return load_folder(l, path, 0, err);
    return load_file(l, path, err);
}
