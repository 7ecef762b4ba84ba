/* codecontests.c: DeepMind's CodeContests: {name, description, public_tests, private_tests,
 * generated_tests, time_limit, memory_limit_bytes, solutions, incorrect_solutions, ...}.
 *
 * Each kind of tests is {input: [...], output: [...]} and a group of the verdict. Solutions are
 * {language: [...], solution: [...]}; of those in Python 3 the first right ones are the
 * references, and the first WRONG_MAX wrong ones must fail. */
#include "stdio.h"

enum { PYTHON3 = 3, RIGHT_MAX = 4, WRONG_MAX = 10 };

static const char *const kinds[][2] = {
    {"public_tests", "public"}, {"private_tests", "private"}, {"generated_tests", "generated"}};

bool prb_is_codecontests(const json_t *object)
{
    bool tests = false;
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        tests = tests || json_object_get(json_object_get(object, kinds[i][0]), "input") != NULL;
    return tests && json_object_get(object, "description") && json_object_get(object, "name");
}

static int read_tests(struct prb_build *b, const char *key, const char *group)
{
    const json_t *tests = json_object_get(b->object, key);
    const json_t *in = json_object_get(tests, "input"), *out = json_object_get(tests, "output");
    size_t i;
    json_t *one;
    if (json_array_size(in) != json_array_size(out))
        return prb_build_fail(b, key, "`%s` has %zu inputs and %zu outputs", key,
                              json_array_size(in), json_array_size(out));
    json_array_foreach (in, i, one)
        TRY(prb_build_stdio(b, one, json_array_get(out, i), key, i, group));
    return 0;
}

static bool is_python3(const json_t *language)
{
    const char *name = json_string_value(language);
    return name ? strcmp(name, "PYTHON3") == 0 : json_integer_value(language) == PYTHON3;
}

/* The Python 3 texts among object[key], at most `max`. */
static json_t *solutions(const json_t *object, const char *key, size_t max)
{
    const json_t *all = json_object_get(object, key), *texts = json_object_get(all, "solution"),
                 *languages = json_object_get(all, "language");
    json_t *found = json_array(), *text;
    size_t i;
    json_array_foreach (texts, i, text)
        if (json_is_string(text) && is_python3(json_array_get(languages, i)) &&
            json_array_size(found) < max)
            json_array_append(found, text);
    return found;
}

static void read_limits(struct prb_build *b)
{
    const json_t *time = json_object_get(b->object, "time_limit");
    double seconds = json_number_value(json_object_get(time, "seconds")) +
                     json_number_value(json_object_get(time, "nanos")) / 1e9;
    prb_build_seconds(b, seconds);
    prb_build_bytes(b, json_number_value(json_object_get(b->object, "memory_limit_bytes")));
}

static int read_all(struct prb_build *b)
{
    static const char *const prompt[] = {"description"};
    static const char *const ids[] = {"name"};
    TRY(prb_build_prompt(b, prompt, COUNT_OF(prompt)));
    if (*prb_text(b->object, "input_file", "") || *prb_text(b->object, "output_file", ""))
        return prb_build_fail(b, "input_file",
                              "`input_file`: programs that read or write files cannot be judged");
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        TRY(read_tests(b, kinds[i][0], kinds[i][1]));
    b->p->id = prb_foreign_id(b->object, ids, COUNT_OF(ids), "");
    json_t *right = solutions(b->object, "solutions", RIGHT_MAX);
    prb_build_solutions(b, right);
    json_decref(right);
    b->p->wrong = solutions(b->object, "incorrect_solutions", WRONG_MAX);
    read_limits(b);
    return 0;
}

int prb_read_codecontests(const json_t *object, const struct where *w, struct problem *ret,
                          struct err *err)
{
    struct prb_build b;
    prb_build_begin(&b, object, w, ret, err);
    return prb_build_end(&b, read_all(&b));
}
