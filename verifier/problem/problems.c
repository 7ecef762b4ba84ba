/* problems.c: a set of problems, filled one spec at a time, all or nothing. */
#include "load.h"
#include "stdio.h"

/* In this order: a format whose keys are a superset of another's comes first. */
static const struct {
    bool (*is)(const json_t *object);
    prb_reader read;
} formats[] = {
    {prb_is_evalplus, prb_read_evalplus},
    {prb_is_leetcode, prb_read_leetcode},
    {prb_is_bigcodebench, prb_read_bigcodebench},
    {prb_is_humaneval, prb_read_humaneval},
    {prb_is_mbpp, prb_read_mbpp},
    {prb_is_kodcode, prb_read_kodcode},
    {prb_is_autoeval, prb_read_autoeval},
    {prb_is_acecode, prb_read_acecode},
    {prb_is_unreadable, prb_read_unreadable},
};

static prb_reader reader_for(const json_t *object)
{
    prb_reader stdio = prb_stdio_reader(object);
    if (stdio)
        return stdio;
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (formats[i].is(object))
            return formats[i].read;
    return prb_read_native;
}

static const struct problem *find_exact(const struct problem_set *set, const char *id)
{
    const json_t *index = json_object_get(set->by_id, id);
    return index ? &set->v[json_integer_value(index)] : NULL;
}

static int add_problem(struct problem_set *set, const struct problem *p, const struct where *w,
                       const json_t *object, struct err *err)
{
    const struct problem *first = find_exact(set, p->id);
    if (first) {
        const char *key = json_object_get(object, "id") ? "id" : "task_id";
        keys_fail(w, object, key, err, "duplicate id `%.200s` (first in %.200s)", p->id,
                  first->source);
        if (err)
            err->code = -EEXIST;
        return -EEXIST;
    }
    if (set->n == set->cap) {
        set->cap = set->cap ? 2 * set->cap : 64;
        set->v = xrealloc(set->v, (size_t)set->cap, sizeof *set->v);
    }
    CHECK(set->v);
    json_object_set_new_nocheck(set->by_id, p->id, json_integer(set->n));
    set->v[set->n++] = *p;
    return 0;
}

int prb_load_object(struct prb_load *l, const json_t *object, const struct where *w,
                    struct err *err)
{
    struct problem p = {0};
    if (!json_is_object(object))
        return keys_fail(w, object, NULL, err, "a problem must be a mapping");
    if (json_object_get(object, "generate"))
        return prb_load_family(l, object, w, err);
    int rc = reader_for(object)(object, w, &p, err);
    if (rc == 0) {
        int line = w->yaml ? yaml_line(w->yaml, object) : w->line;
        if (line)
            CHECK(asprintf(&p.source, "%s:%d", w->file, line) >= 0);
        else
            p.source = check_alloc(strdup(w->file));
        rc = add_problem(l->set, &p, w, object, err);
    }
    if (rc < 0)
        prb_release(&p);
    return rc;
}

/* "path?a=1&b=x" into its path (to free) and an object of parameters. */
static int parse_spec(const char *spec, char **ret_path, json_t **ret_params, struct err *err)
{
    const char *mark = strchr(spec, '?');
    size_t path_len = mark ? (size_t)(mark - spec) : strlen(spec);
    json_t *params = json_object();
    char *rest = check_alloc(strdup(mark ? mark + 1 : "")), *save = NULL;
    int rc = 0;
    for (char *item = strtok_r(rest, "&", &save); item && rc == 0;
         item = strtok_r(NULL, "&", &save)) {
        const char *why = NULL;
        char *equals = strchr(item, '=');
        if (!equals || equals == item) {
            rc = err_set(err, -EINVAL, "%s: `%s` should be key=value", spec, item);
            break;
        }
        *equals = 0;
        json_t *value = yaml_scalar(equals + 1, &why);
        if (!value || json_object_get(params, item))
            rc = err_set(err, -EINVAL, "%s: parameter `%s`: %s", spec, item,
                         value ? "given twice" : why);
        json_object_set_new(params, item, value);
    }
    free(rest);
    if (rc < 0) {
        json_decref(params);
        return rc;
    }
    *ret_path = check_alloc(strndup(spec, path_len));
    *ret_params = params;
    return 0;
}

static void drop_from(struct problem_set *set, int first)
{
    while (set->n > first) {
        struct problem *p = &set->v[--set->n];
        json_object_del(set->by_id, p->id);
        prb_release(p);
    }
}

int problems_add(struct problem_set *set, const char *spec, problem_generate generate, void *ctx,
                 struct err *err)
{
    struct prb_load l = {.set = set, .generate = generate, .ctx = ctx};
    char *path = NULL;
    TRY(parse_spec(spec, &path, &l.params, err));
    if (!set->by_id)
        set->by_id = json_object();
    int first = set->n;
    int rc = prb_load_path(&l, path, err);
    if (rc == 0 && json_object_size(l.params) && !l.family_seen)
        rc = err_set(err, -EINVAL, "%s: parameters after `?`, but nothing there has a `generate`",
                     spec);
    if (rc == 0 && set->n == first)
        rc = err_set(err, -EINVAL, "%s: no problem in it", path);
    if (rc == 0) {
        set->source_first = xrealloc(set->source_first, (size_t)set->n_sources + 2, sizeof(int));
        set->source_first[set->n_sources++] = first;
        set->source_first[set->n_sources] = set->n;
    } else {
        drop_from(set, first);
    }
    json_decref(l.params);
    free(path);
    return rc;
}

int problems_add_object(struct problem_set *set, const json_t *object, const char *name,
                        double wall_s, struct err *err)
{
    struct prb_load l = {.set = set};
    const struct where w = {.file = name};
    if (!set->by_id)
        set->by_id = json_object();
    if (json_object_get(object, "generate"))
        return keys_fail(&w, object, "generate", err, "a family cannot be used here");
    TRY(prb_load_object(&l, object, &w, err));
    struct problem *p = &set->v[set->n - 1];
    if (wall_s > 0) {
        json_t *limits = json_object_get(p->suite, "limits");
        p->limits.cpu_s = p->limits.wall_s = wall_s;
        json_object_set_new(limits, "cpu_s", json_real(wall_s));
        json_object_set_new(limits, "wall_s", json_real(wall_s));
        prb_hash(p->suite, p->key);
    }
    return 0;
}

/* MBPP numbers its tasks, and each of its users writes the number another way: 11, MBPP/11, mbpp/11. */
static const struct problem *find_mbpp(const struct problem_set *set, const char *id)
{
    char usual[64];
    const char *number = strncasecmp(id, "mbpp/", 5) == 0 ? id + 5 : id;
    if (!*number || number[strspn(number, "0123456789")])
        return NULL;
    int n = snprintf(usual, sizeof usual, "Mbpp/%s", number);
    return n < (int)sizeof usual ? find_exact(set, usual) : NULL;
}

const struct problem *problems_find(const struct problem_set *set, const char *id)
{
    const struct problem *exact = find_exact(set, id);
    return exact ? exact : find_mbpp(set, id);
}

void problems_free(struct problem_set *set)
{
    drop_from(set, 0);
    free(set->v);
    free(set->source_first);
    json_decref(set->by_id);
    *set = (struct problem_set){0};
}
