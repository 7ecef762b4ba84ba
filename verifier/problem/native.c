/* native.c: assay's own problem format, the same keys in YAML and in JSON lines.
 * Unknown keys, wrong types and tests that cannot be run as written are errors, never guesses. */
#include "readers.h"

/* Upper bounds of limits that are relative to the reference. */
static const double RELATIVE_CPU_S_MAX = 60, RELATIVE_WALL_S_MAX = 120;

static const struct key problem_keys[] = {
    {"id", KEY_STRING, true},
    {"prompt", KEY_STRING, true},
    {"entry_point", KEY_STRING | KEY_NULL, false},
    {"starter", KEY_STRING | KEY_NULL, false},
    {"cases", KEY_ARRAY, false},
    {"tests", KEY_STRING | KEY_NULL, false},
    {"framework", KEY_STRING, false},
    {"stdio", KEY_ARRAY, false},
    {"checker", KEY_STRING | KEY_OBJECT, false},
    {"stop_on_first_failure", KEY_BOOL, false},
    {"compare", KEY_OBJECT, false},
    {"reference", KEY_STRING | KEY_NULL, false},
    {"references", KEY_ARRAY, false},
    {"wrong", KEY_ARRAY, false},
    {"limits", KEY_OBJECT, false},
    {"timing", KEY_OBJECT | KEY_NULL, false},
    {"tags", KEY_ARRAY, false},
    {"level", KEY_INT, false},
    {"demonstration", KEY_STRING, false},
};

static bool is_identifier(const char *s)
{
    const char *first = s;
    for (; *s; s++)
        if (!(isalpha((unsigned char)*s) || *s == '_' || (unsigned char)*s >= 0x80 ||
              (s > first && isdigit((unsigned char)*s))))
            return false;
    return s > first;
}

/* A limit must be positive and below what any sane machine offers; absent keeps the default. */
static int read_limit(const json_t *limits, const char *key, double max, const struct where *w,
                      double *value, struct err *err)
{
    const json_t *v = json_object_get(limits, key);
    if (!v)
        return 0;
    double d = json_number_value(v);
    if (!(d > 0) || d > max)
        return keys_fail(w, limits, key, err, "`limits.%s` must be above 0 and at most %g", key,
                         max);
    *value = d;
    return 0;
}

/* `cpu_s: 5x`: so many times what the reference takes on this host, which the judge finds out. What
 * the reference itself may take, with the factor, is bounded. */
static int read_times(const json_t *object, const struct where *w, struct limits *ret,
                      struct err *err)
{
    const json_t *limits = json_object_get(object, "limits");
    const char *text = prb_text(limits, "cpu_s", "");
    char *end;
    double times = strtod(text, &end);
    if (!isdigit((unsigned char)*text) || strcmp(end, "x") != 0 || !(times >= 1) || times > 1000)
        return keys_fail(w, limits, "cpu_s", err,
                         "`limits.cpu_s` must be a number of seconds, or a factor such as `5x`, "
                         "from 1x to 1000x");
    if (!prb_text(object, "reference", NULL))
        return keys_fail(w, limits, "cpu_s", err,
                         "`limits.cpu_s: %.20s` needs a `reference` to be relative to", text);
    ret->cpu_times = times;
    ret->cpu_s = RELATIVE_CPU_S_MAX;
    ret->wall_s = RELATIVE_WALL_S_MAX;
    return 0;
}

static int read_limits(const json_t *object, const struct where *w, struct limits *ret,
                       struct err *err)
{
    static const struct key keys[] = {
        {"cpu_s", KEY_NUMBER | KEY_STRING, false},
        {"wall_s", KEY_NUMBER, false},
        {"memory_mib", KEY_INT, false},
        {"output_kib", KEY_INT, false},
        {"threads", KEY_INT, false},
    };
    const json_t *limits = json_object_get(object, "limits");
    double memory = ret->memory_mib, output = ret->output_kib, threads = ret->threads;
    if (!limits)
        return 0;
    TRY(keys_check(limits, keys, COUNT_OF(keys), "limits.", w, err));
    if (json_is_string(json_object_get(limits, "cpu_s")))
        TRY(read_times(object, w, ret, err));
    else
        TRY(read_limit(limits, "cpu_s", 3600, w, &ret->cpu_s, err));
    TRY(read_limit(limits, "wall_s", 3600, w, &ret->wall_s, err));
    TRY(read_limit(limits, "memory_mib", 1 << 20, w, &memory, err));
    TRY(read_limit(limits, "output_kib", 1 << 16, w, &output, err));
    TRY(read_limit(limits, "threads", 4096, w, &threads, err));
    ret->memory_mib = (int)memory;
    ret->output_kib = (int)output;
    ret->threads = (int)threads;
    return 0;
}

/* At least three ascending sizes: a slope has no error below that. */
static int check_sizes(const json_t *timing, const struct where *w, struct err *err)
{
    const json_t *sizes = json_object_get(timing, "sizes");
    size_t n = json_array_size(sizes);
    if (!sizes)
        return 0;
    bool ok = n >= TIMING_SIZES_MIN && n <= TIMING_SIZES_MAX;
    for (size_t i = 0; i < n && ok; i++) {
        const json_t *v = json_array_get(sizes, i);
        json_int_t before = i ? json_integer_value(json_array_get(sizes, i - 1)) : 0;
        ok = json_is_integer(v) && json_integer_value(v) > before;
    }
    return ok ? 0
              : keys_fail(w, timing, "sizes", err,
                          "`timing.sizes` must be %d to %d rising whole numbers above 0",
                          TIMING_SIZES_MIN, TIMING_SIZES_MAX);
}

static int check_timing(const json_t *object, const struct where *w, struct err *err)
{
    static const struct key keys[] = {
        {"call", KEY_STRING, true},    {"setup", KEY_STRING, false}, {"margin", KEY_NUMBER, false},
        {"refine", KEY_NUMBER, false}, {"sizes", KEY_ARRAY, false},
    };
    const json_t *timing = json_object_get(object, "timing");
    if (!json_is_object(timing))
        return 0;
    TRY(keys_check(timing, keys, COUNT_OF(keys), "timing.", w, err));
    const json_t *margin = json_object_get(timing, "margin");
    if (margin && json_number_value(margin) < 1)
        return keys_fail(w, timing, "margin", err, "`timing.margin` must be at least 1");
    const json_t *refine = json_object_get(timing, "refine");
    if (refine && !(json_number_value(refine) >= 0 && json_number_value(refine) <= 30))
        return keys_fail(w, timing, "refine", err, "`timing.refine` must be seconds from 0 to 30");
    TRY(check_sizes(timing, w, err));
    if (!prb_text(object, "reference", NULL))
        return keys_fail(w, object, "timing", err,
                         "`timing` needs a `reference` to be faster than");
    return 0;
}

/* Text that is placed before other text must end its last line. */
static char *with_newline(const char *s)
{
    size_t n = strlen(s);
    char *copy = xcalloc(n + 2, 1);
    memcpy(copy, s, n);
    if (n && s[n - 1] != '\n')
        copy[n] = '\n';
    return copy;
}

static json_t *read_shown(const json_t *object)
{
    static const char *const shown[] = {"tags", "level", "demonstration"};
    json_t *ret = json_object();
    for (size_t i = 0; i < COUNT_OF(shown); i++) {
        json_t *v = json_object_get(object, shown[i]);
        if (v)
            json_object_set(ret, shown[i], v);
    }
    return ret;
}

static json_t *present(const json_t *object, const char *key)
{
    json_t *v = json_object_get(object, key);
    return json_is_null(v) ? NULL : v;
}

int prb_read_native(const json_t *object, const struct where *w, struct problem *ret,
                    struct err *err)
{
    static const char *const texts[] = {"id", "prompt", "entry_point", "starter"};
    TRY(keys_check(object, problem_keys, COUNT_OF(problem_keys), "", w, err));
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        TRY(prb_no_nul(object, texts[i], w, err));
    const char *id = prb_text(object, "id", ""), *entry = prb_text(object, "entry_point", NULL);
    if (!*id)
        return keys_fail(w, object, "id", err, "`id` is empty");
    if (entry && !is_identifier(entry))
        return keys_fail(w, object, "entry_point", err, "`entry_point` must be a name, not `%.80s`",
                         entry);
    TRY(keys_strings(object, "references", "", w, err));
    TRY(keys_strings(object, "wrong", "", w, err));
    TRY(keys_strings(object, "tags", "", w, err));
    TRY(prb_check_tests(object, w, err));
    TRY(check_timing(object, w, err));
    ret->limits = LIMITS_DEFAULT;
    TRY(read_limits(object, w, &ret->limits, err));
    ret->id = check_alloc(strdup(id));
    ret->prompt = check_alloc(strdup(prb_text(object, "prompt", "")));
    ret->entry_point = entry ? check_alloc(strdup(entry)) : NULL;
    ret->starter = with_newline(prb_text(object, "starter", ""));
    ret->references = json_incref(json_object_get(object, "references"));
    ret->wrong = json_incref(json_object_get(object, "wrong"));
    ret->shown = read_shown(object);
    json_t *modules = json_object_get(object, "framework") ? json_pack("[s]", "solution") : NULL;
    prb_finish(ret, &(struct prb_tests){.cases = present(object, "cases"),
                                        .framework = prb_text(object, "framework", NULL),
                                        .modules = modules,
                                        .tests = present(object, "tests"),
                                        .stdio = present(object, "stdio"),
                                        .checker = present(object, "checker"),
                                        .compare = present(object, "compare"),
                                        .stop_on_first_failure = json_is_true(
                                            json_object_get(object, "stop_on_first_failure")),
                                        .timing = present(object, "timing"),
                                        .reference = present(object, "reference")});
    json_decref(modules);
    return 0;
}
