/* family.c: problems that a piece of trusted Python makes up. The source runs in a judge (the
 * caller's `generate`); what it yields is read as strictly as a file, with "file.yaml:
 * family[17]: ..." in messages. */
#include "load.h"

static const struct key family_keys[] = {
    {"id", KEY_STRING, true},
    {"generate", KEY_STRING, true},
    {"params", KEY_OBJECT, false},
};

int prb_load_family(struct prb_load *l, const json_t *object, const struct where *w,
                    struct err *err)
{
    TRY(keys_check(object, family_keys, COUNT_OF(family_keys), "", w, err));
    const char *id = prb_text(object, "id", "");
    int line = w->yaml ? yaml_key_line(w->yaml, object, "generate") : w->line;
    char name[512];
    snprintf(name, sizeof name, "%.400s:%d", w->file, line);
    if (!l->generate)
        return keys_fail(w, object, "generate", err, "families cannot be generated here");
    json_t *params = json_object(), *item;
    json_object_update(params, json_object_get(object, "params"));
    json_object_update(params, l->params);
    l->family_seen = true;
    json_t *made = l->generate(l->ctx, name, prb_text(object, "generate", ""), params, err);
    json_decref(params);
    if (!made)
        return err_prefix(err, "%s", name);
    size_t i;
    int rc = 0;
    json_array_foreach (made, i, item) {
        snprintf(name, sizeof name, "%.300s: %.100s[%zu]", w->file, id, i);
        struct where at = {.file = name};
        rc = json_object_get(item, "generate")
                 ? keys_fail(&at, NULL, NULL, err, "a generated problem cannot be a family itself")
                 : prb_load_object(l, item, &at, err);
        if (rc < 0)
            break;
    }
    json_decref(made);
    return rc;
}
