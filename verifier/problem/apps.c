/* apps.c: APPS and TACO: {question, input_output, solutions, starter_code, difficulty, ...}.
 *
 * `input_output` is JSON text, {"inputs", "outputs", "fn_name"?}: whole programs, or calls of
 * fn_name. `solutions` is a list, or JSON text of one. TACO adds `time_limit` ("2.0 seconds") and
 * `memory_limit` ("256.0 megabytes"). */
#include "stdio.h"

bool prb_is_apps(const json_t *object)
{
    static const char *const keys[] = {"question", "input_output"};
    return prb_has(object, keys, COUNT_OF(keys));
}

/* The last number of "0.5 - 2.0 seconds", in units; 0 when there is none. */
static double amount(const char *text)
{
    double last = 0;
    for (const char *at = text; at && *at;) {
        char *end;
        if (!isdigit((unsigned char)*at)) {
            at++;
            continue;
        }
        last = strtod(at, &end);
        at = end;
    }
    return last;
}

static void read_limits(struct prb_build *b)
{
    static const struct {
        const char *unit;
        double scale;
    } units[] = {{"kilobyte", 1 << 10},
                 {"KB", 1 << 10},
                 {"gigabyte", 1 << 30},
                 {"GB", 1 << 30},
                 {"megabyte", 1 << 20},
                 {"MB", 1 << 20},
                 {"byte", 1}};
    const char *time = prb_text(b->object, "time_limit", ""),
               *memory = prb_text(b->object, "memory_limit", "");
    double seconds = amount(time), bytes = amount(memory);
    if (strstr(time, "milli") || strstr(time, "ms"))
        seconds /= 1000;
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (strcasestr(memory, units[i].unit)) {
            bytes *= units[i].scale;
            break;
        }
    prb_build_seconds(b, seconds);
    prb_build_bytes(b, bytes);
}

static int read_all(struct prb_build *b)
{
    static const char *const prompt[] = {"question"};
    static const char *const ids[] = {"problem_id", "id", "task_id"};
    TRY(prb_build_prompt(b, prompt, COUNT_OF(prompt)));
    TRY(prb_no_nul(b->object, "starter_code", b->w, b->err));
    json_t *tests = prb_build_value(b, "input_output");
    int rc = tests ? prb_build_columns(b, tests, "input_output") : -EINVAL;
    json_decref(tests);
    TRY(rc);
    b->p->id = prb_foreign_id(b->object, ids, COUNT_OF(ids), "APPS/");
    if (b->function)
        b->p->starter = check_alloc(strdup(prb_text(b->object, "starter_code", "")));
    json_t *solutions = prb_inner(b->object, "solutions");
    prb_build_solutions(b, solutions);
    json_decref(solutions);
    read_limits(b);
    return 0;
}

int prb_read_apps(const json_t *object, const struct where *w, struct problem *ret, struct err *err)
{
    struct prb_build b;
    prb_build_begin(&b, object, w, ret, err);
    return prb_build_end(&b, read_all(&b));
}
