/* codeforces.c: open-r1's Codeforces problems: {id, title, description, input_format,
 * output_format, note, official_tests, generated_checker, time_limit, memory_limit, input_mode}.
 *
 * `generated_checker` is a Python program that is given the names of three files (input, expected
 * output, the answer) and prints a score from 0 to 1. Without one, outputs are compared. */
#include "stdio.h"

bool prb_is_codeforces(const json_t *object)
{
    static const char *const keys[] = {"official_tests", "description", "input_mode"};
    return prb_has(object, keys, COUNT_OF(keys));
}

static int read_checker(struct prb_build *b)
{
    const json_t *checker = json_object_get(b->object, "generated_checker");
    if (!checker || json_is_null(checker) || (json_string_length(checker) == 0))
        return 0;
    TRY(prb_no_nul(b->object, "generated_checker", b->w, b->err));
    b->checker = json_pack("{s:O, s:s}", "program", checker, "protocol", "files");
    return 0;
}

static int read_all(struct prb_build *b)
{
    static const char *const prompt[] = {"description", "input_format", "output_format", "note"};
    static const char *const ids[] = {"id"};
    const char *mode = prb_text(b->object, "input_mode", "");
    if (strcmp(mode, "stdio") != 0)
        return prb_build_fail(b, "input_mode",
                              "`input_mode`: only `stdio` programs can be judged, not `%.40s`",
                              mode);
    if (*prb_text(b->object, "interaction_format", ""))
        return prb_build_fail(b, "interaction_format",
                              "`interaction_format`: interactive problems cannot be judged");
    TRY(prb_build_prompt(b, prompt, COUNT_OF(prompt)));
    json_t *tests = prb_build_value(b, "official_tests");
    int rc = tests ? prb_build_rows(b, tests, "official_tests", NULL) : -EINVAL;
    json_decref(tests);
    TRY(rc);
    TRY(read_checker(b));
    b->p->id = prb_foreign_id(b->object, ids, COUNT_OF(ids), "Codeforces/");
    prb_build_seconds(b, json_number_value(json_object_get(b->object, "time_limit")));
    prb_build_bytes(b, json_number_value(json_object_get(b->object, "memory_limit")) * (1 << 20));
    return 0;
}

int prb_read_codeforces(const json_t *object, const struct where *w, struct problem *ret,
                        struct err *err)
{
    struct prb_build b;
    prb_build_begin(&b, object, w, ret, err);
    return prb_build_end(&b, read_all(&b));
}
