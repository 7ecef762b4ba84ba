#include "trainer/rl/spent.h"

#include <string.h>

#include "base/check.h"

static const char *const PARTS[] = {"sample", "grade_wait", "update", "idle", "cpu"};

static void add(json_t *to, const char *key, const json_t *seconds)
{
    if (!json_is_number(seconds))
        return;
    const double before = json_number_value(json_object_get(to, key));
    json_object_set_new(to, key, json_real(before + json_number_value(seconds)));
}

static void add_step(json_t *to, const json_t *line)
{
    char key[32];
    const json_int_t steps = json_integer_value(json_object_get(to, "steps"));
    json_object_set_new(to, "steps", json_integer(steps + 1));
    add(to, "seconds", json_object_get(line, "step_time"));
    for (size_t i = 0; i < COUNT_OF(PARTS); i++) {
        snprintf(key, sizeof key, "time/%s", PARTS[i]);
        add(to, PARTS[i], json_object_get(line, key));
    }
}

static void add_evaluation(json_t *to, const json_t *line)
{
    static const char *const kinds[] = {"sampled", "greedy"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        add(to, "seconds", json_object_get(json_object_get(line, kinds[i]), "seconds"));
}

json_t *spent_by_stage(const json_t *lines)
{
    json_t *stages = json_array(), *now = NULL, *line;
    json_int_t at = -1;
    size_t i;
    json_array_foreach ((json_t *)lines, i, line) {
        const char *stage = json_string_value(json_object_get(line, "stage")),
                   *name = json_string_value(json_object_get(line, "name"));
        const json_int_t index = json_integer_value(json_object_get(line, "stage_index"));
        if (!stage)
            continue;
        if (!now || index != at) {
            now = json_pack("{s:s}", "stage", name ? name : stage);
            json_array_append_new(stages, check_alloc(now));
            at = index;
        }
        if (name)
            add_evaluation(now, line);
        else
            add_step(now, line);
    }
    return stages;
}
