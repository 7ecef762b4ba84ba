/* Any bytes as a file of samples, plain or gzipped: items with a known task and one text, or an error that names the line. */
#include "verifier/samples.h"

#include "memory_file.h"

static void add_problem(struct problem_set *set)
{
    static struct problem p = {.id = (char *)"add", .prompt = (char *)"", .starter = (char *)""};
    set->v = &p;
    set->n = 1;
    set->by_id = json_pack("{s:i}", "add", 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct problem_set set;
    static const char *const kinds[] = {"response", "completion", "solution"};
    struct samples s;
    struct err err = {0};
    json_t *item;
    const struct problem *p;
    struct memory_file f = memory_file_make(data, size);
    int rc;
    if (!set.n)
        add_problem(&set);
    CHECK(samples_open(&s, f.path, &err) == 0);
    while ((rc = samples_next(&s, &set, &item, &p, &err)) == 1) {
        int texts = 0;
        for (size_t i = 0; i < COUNT_OF(kinds); i++)
            texts += json_is_string(json_object_get(item, kinds[i]));
        CHECK(texts == 1 && p == set.v && json_is_string(json_object_get(item, "task_id")));
        json_decref(item);
    }
    CHECK(rc == 0 || (err.code < 0 && strstr(err.text, f.path)));
    samples_close(&s);
    close(f.fd);
    return 0;
}
