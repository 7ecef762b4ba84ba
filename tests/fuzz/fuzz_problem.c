/* fuzz_problem.c: any bytes as a problem file. The first byte chooses YAML, JSON lines, JSON or a guess.
 *   clang -std=gnu17 -D_GNU_SOURCE -Iinclude -I. -fsanitize=fuzzer,address,undefined \
 *       tests/fuzz/fuzz_problem.c verifier/problem/{problems,files,family,native,native_tests,suite,humaneval,mbpp}.c \
 *       -ljansson -lyaml -lz -o fuzz_problem && ./fuzz_problem tests/fuzz/corpus/problem */
#include "verifier/problem/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *no_generator(void *ctx, const char *name, const char *source, json_t *params,
                            struct err *err)
{
    (void)ctx, (void)name, (void)source, (void)params;
    err_set(err, -EINVAL, "no generator");
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"x.yaml", "x.jsonl", "x.json", "<stdin>"};
    struct problem_set set = {.by_id = json_object()};
    struct prb_load l = {.set = &set, .generate = no_generator, .params = json_object()};
    struct err err = {0};
    if (size > 0) {
        struct str text = str_make((const char *)data + 1, size - 1);
        int rc = prb_load_text(&l, names[data[0] % COUNT_OF(names)], text, &err);
        CHECK(rc <= 0 && (rc == 0) == (err.code == 0) && (rc == 0 || err.text[0]));
    }
    for (int i = 0; i < set.n; i++) {
        const struct problem *p = &set.v[i];
        CHECK(problems_find(&set, p->id) == p && p->starter && p->prompt && p->source);
        CHECK(strlen(p->key) == 32 && json_is_object(p->suite));
        CHECK(p->limits.cpu_s > 0 && p->limits.threads > 0);
    }
    json_decref(l.params);
    problems_free(&set);
    return 0;
}
