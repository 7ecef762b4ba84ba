/* config.c: which Python packages there are, beside the standard library. What is admitted here is
 * part of the trusted side: its import runs in judge and keeper before any program. */
#include "verifier/config.h"

#include <ctype.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/keys.h"
#include "verifier/command.h"
#include "verifier/helper.h"

enum { CONFIG_BYTES_MAX = 1 << 20, PRELOAD_MAX = 32, PATHS_MAX = 8, LIST_BYTES_MAX = 4096 };

static const struct key top_keys[] = {{"python", KEY_OBJECT, false}};
static const struct key python_keys[] = {
    {"path", KEY_ARRAY, false},
    {"preload", KEY_ARRAY, false},
};

static char *preload[PRELOAD_MAX + 1];
static bool loaded;

/* NULL, or what is wrong with a folder of packages. */
static const char *folder_fault(const char *path)
{
    struct stat st;
    if (path[0] != '/')
        return "not an absolute path";
    if (strchr(path, ':'))
        return "a colon in its name";
    if (strncmp(path, "/tmp/", 5) == 0)
        return "below /tmp, where every program has a folder of its own";
    if (stat(path, &st) != 0)
        return strerror(errno);
    return S_ISDIR(st.st_mode) ? NULL : "not a folder";
}

/* NULL, or what is wrong with the dotted name of a module. */
static const char *module_fault(const char *name)
{
    const char *at = name;
    do {
        if (!isalpha((unsigned char)*at) && *at != '_')
            return "not the name of a module";
        while (isalnum((unsigned char)*at) || *at == '_')
            at++;
    } while (*at++ == '.');
    return at[-1] ? "not the name of a module" : NULL;
}

/* A list of texts under `python`. */
struct list {
    const char *key, *separator;
    size_t max;
    const char *(*fault)(const char *text);
};
static const struct list folders = {"path", ":", PATHS_MAX, folder_fault};
static const struct list modules = {"preload", ",", PRELOAD_MAX, module_fault};

/* As one text. */
static int read_list(const json_t *python, const struct list *l, const struct where *w,
                     struct buf *out, struct err *err)
{
    const json_t *list = json_object_get(python, l->key), *item;
    size_t i;
    if (json_array_size(list) > l->max)
        return keys_fail(w, python, l->key, err, "python.%s: more than %zu", l->key, l->max);
    json_array_foreach (list, i, item) {
        const char *text = json_string_value(item);
        bool whole = text && strlen(text) == json_string_length(item);
        const char *why = whole ? l->fault(text) : "not a text";
        if (why)
            return keys_fail(w, python, l->key, err, "python.%s[%zu]: %.200s%s%s", l->key, i,
                             text ? text : "", text ? ": " : "", why);
        buf_printf(out, "%s%s", i ? l->separator : "", text);
    }
    if (out->len > LIST_BYTES_MAX)
        return keys_fail(w, python, l->key, err, "python.%s: too long", l->key);
    return 0;
}

static int read_python(const json_t *doc, const struct where *w, struct err *err)
{
    const json_t *python = json_object_get(doc, "python");
    struct buf path = {0}, names = {0};
    TRY(keys_check(doc, top_keys, COUNT_OF(top_keys), "", w, err));
    if (!python)
        return 0;
    TRY(keys_check(python, python_keys, COUNT_OF(python_keys), "python.", w, err));
    int rc = read_list(python, &folders, w, &path, err);
    if (rc == 0)
        rc = read_list(python, &modules, w, &names, err);
    if (rc == 0) {
        const json_t *list = json_object_get(python, modules.key), *item;
        size_t i;
        helper_set_python(buf_view(&path).s, buf_view(&names).s);
        json_array_foreach (list, i, item)
            preload[i] = check_alloc(strdup(json_string_value(item)));
    }
    buf_free(&path);
    buf_free(&names);
    return rc;
}

int config_load(const char *file, struct err *err)
{
    struct buf text = {0};
    struct yaml y = {0};
    int rc = file_read(file, CONFIG_BYTES_MAX, &text, err);
    if (rc == 0)
        rc = yaml_load(file, buf_view(&text).s, text.len, &y, err);
    if (rc == 0 && json_array_size(y.docs) != 1)
        rc = err_set(err, -EINVAL, "%s: expected one YAML document", file);
    if (rc == 0)
        rc = read_python(json_array_get(y.docs, 0), &(struct where){.file = file, .yaml = &y}, err);
    yaml_free(&y);
    buf_free(&text);
    return rc;
}

const char *config_preload(int i)
{
    return preload[i];
}

enum { KEY_CONFIG = 0x1000 }; /* a child of every command: no letter, and no key of theirs */

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct err err = {0};
    if (key != KEY_CONFIG)
        return ARGP_ERR_UNKNOWN;
    if (loaded)
        argp_error(state, "one --config FILE, please");
    loaded = true;
    if (config_load(arg, &err) < 0)
        exit(command_error(&err));
    return 0;
}

static const struct argp_option option_table[] = {
    {"config", KEY_CONFIG, "FILE", 0,
     "Which Python packages programs and tests may import, a YAML file", 0},
    {0},
};

static const struct argp argp = {option_table, parse, NULL, NULL, NULL, NULL, NULL};

const struct argp_child config_option[] = {{&argp, 0, NULL, 0}, {0}};
