/* fuzz_formats.c: any JSON value to each reader of a foreign assert-style format, whether or not its
 * keys are there, and any bytes to the reader of long integers. The first byte chooses the reader. */
#include "verifier/problem/readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    bool (*is)(const json_t *object);
    prb_reader read;
} readers[] = {
    {prb_is_evalplus, prb_read_evalplus},         {prb_is_leetcode, prb_read_leetcode},
    {prb_is_bigcodebench, prb_read_bigcodebench}, {prb_is_kodcode, prb_read_kodcode},
    {prb_is_autoeval, prb_read_autoeval},         {prb_is_acecode, prb_read_acecode},
    {prb_is_humaneval, prb_read_humaneval},       {prb_is_mbpp, prb_read_mbpp},
};

static void read_one(const json_t *object, size_t i)
{
    struct where w = {.file = "x.jsonl", .line = 7};
    struct problem p = {0};
    struct err err = {0};
    if (prb_is_unreadable(object))
        CHECK(prb_read_unreadable(object, &w, &p, &err) == -EINVAL && err.text[0]);
    if (!readers[i].is(object))
        return;
    int rc = readers[i].read(object, &w, &p, &err);
    if (rc == 0) {
        CHECK(p.id && *p.id && p.prompt && p.starter && strlen(p.key) == 32);
        CHECK(json_is_object(p.suite) && p.limits.cpu_s > 0);
        CHECK(json_is_string(json_object_get(p.suite, "starter")));
    } else {
        CHECK(rc == -EINVAL && strncmp(err.text, "x.jsonl:7: ", 11) == 0);
    }
    prb_release(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_error_t je;
    if (size == 0)
        return 0;
    json_t *object = prb_parse_json(str_make((const char *)data + 1, size - 1),
                                    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &je);
    if (json_is_object(object))
        read_one(object, data[0] % COUNT_OF(readers));
    json_decref(object);
    return 0;
}
