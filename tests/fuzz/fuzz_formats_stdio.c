/* Any JSON object as a problem of a stdin-style format, whether it has that format's keys or not. The first byte chooses the reader. */
#include "verifier/problem/stdio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_problem(const struct problem *p)
{
    const json_t *stdio = json_object_get(p->suite, "stdio"),
                 *cases = json_object_get(p->suite, "cases");
    size_t i;
    json_t *one;
    CHECK(p->id && p->prompt && p->starter && strlen(p->key) == 32);
    CHECK(json_array_size(stdio) + json_array_size(cases) > 0);
    CHECK(p->limits.cpu_s > 0 && p->limits.wall_s > p->limits.cpu_s && p->limits.memory_mib > 0);
    json_array_foreach (stdio, i, one)
        CHECK(json_is_string(json_object_get(one, "stdin")) &&
              json_is_string(json_object_get(one, "stdout")));
    json_array_foreach (cases, i, one)
        CHECK(p->entry_point && json_is_array(json_object_get(one, "args")) &&
              json_object_get(one, "expected"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const prb_reader readers[] = {
        prb_read_apps,       prb_read_codecontests,   prb_read_livecodebench, prb_read_openr1,
        prb_read_codeforces, prb_read_primeintellect, prb_read_commonoj};
    struct problem p = {0};
    struct err err = {0};
    json_error_t je;
    if (size == 0)
        return 0;
    json_t *object = prb_parse_json(str_make((const char *)data + 1, size - 1),
                                    JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &je);
    if (json_is_object(object)) {
        prb_stdio_reader(object);
        int rc = readers[data[0] % COUNT_OF(readers)](
            object, &(struct where){.file = "x.jsonl", .line = 3}, &p, &err);
        CHECK(rc <= 0 && (rc == 0 || strncmp(err.text, "x.jsonl:3: ", 11) == 0));
        if (rc == 0)
            check_problem(&p);
        prb_release(&p);
    }
    json_decref(object);
    return 0;
}
