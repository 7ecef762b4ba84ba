/* catalog.c: sets of problems that know who still needs them. */
#include "catalog.h"

#include "base/str.h"
#include "generate.h"

/* "a/HumanEval.jsonl.gz" is HumanEval; a family keeps its parameters, by which two of them differ. */
static char *name_of(const char *spec)
{
    static const char *const endings[] = {".gz", ".yaml", ".yml", ".jsonl", ".json"};
    size_t end = strcspn(spec, "?");
    const char *params = spec + end;
    while (end > 1 && spec[end - 1] == '/')
        end--;
    const char *slash = memrchr(spec, '/', end ? end - 1 : 0);
    const char *base = slash ? slash + 1 : spec;
    size_t n = (size_t)(spec + end - base);
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        size_t k = strlen(endings[i]);
        if (n > k && memcmp(base + n - k, endings[i], k) == 0)
            n -= k;
    }
    char *name = NULL;
    CHECK(asprintf(&name, "%.*s%s", (int)n, base, params) >= 0);
    return name;
}

static struct catalog *catalog_new(void)
{
    struct catalog *c = xcalloc(1, sizeof *c);
    c->users = 1;
    return c;
}

int catalog_load(char *const *specs, int n, struct catalog **ret, struct err *err)
{
    struct catalog *c = catalog_new();
    int rc = generate_load(&c->set, specs, n, err);
    if (rc < 0) {
        catalog_drop(c);
        return rc;
    }
    c->names = xcalloc((size_t)n, sizeof *c->names);
    for (int i = 0; i < n; i++)
        c->names[i] = name_of(specs[i]);
    *ret = c;
    return 0;
}

int catalog_of_object(const json_t *object, const char *name, double wall_s, struct catalog **ret,
                      struct err *err)
{
    struct catalog *c = catalog_new();
    int rc = problems_add_object(&c->set, object, name, wall_s, err);
    if (rc < 0)
        catalog_drop(c);
    else
        *ret = c;
    return rc;
}

struct catalog *catalog_keep(struct catalog *c)
{
    if (c)
        c->users++;
    return c;
}

void catalog_drop(struct catalog *c)
{
    if (!c || --c->users > 0)
        return;
    for (int i = 0; c->names && i < c->set.n_sources; i++)
        free(c->names[i]);
    free(c->names);
    problems_free(&c->set);
    free(c);
}

int catalog_source(const struct catalog *c, const char *name)
{
    for (int i = 0; i < c->set.n_sources; i++)
        if (strcmp(c->names[i], name) == 0)
            return i;
    return -1;
}
