/* Stdin-style problem formats: the golden samples, and what is refused, with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "verifier/problem/kattis.h"
#include "verifier/problem/load.h"
#include "verifier/problem/stdio.h"

#define GOLDEN "tests/golden/formats/"

static struct problem_set read_set(const char *path)
{
    struct problem_set set = {0};
    struct err err = {0};
    if (problems_add(&set, path, NULL, NULL, &err) != 0)
        fail_msg("%s", err.text);
    return set;
}

static const json_t *part(const struct problem *p, const char *key)
{
    return json_object_get(p->suite, key);
}

/* Compact JSON of a part of the suite, in one of a few buffers. */
static const char *json_part(const struct problem *p, const char *key)
{
    static char text[4][2000];
    static int at;
    char *out = text[at++ % 4],
         *dumped = json_dumps(part(p, key), JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    snprintf(out, sizeof text[0], "%s", dumped);
    free(dumped);
    return out;
}

static void apps(void **state)
{
    (void)state;
    struct problem_set set = read_set(GOLDEN "apps.jsonl");
    assert_int_equal(set.n, 4);
    const struct problem *p = problems_find(&set, "APPS/1");
    assert_non_null(p);
    assert_null(p->entry_point);
    assert_string_equal(json_part(p, "stdio"),
                        "[{\"stdin\":\"1 2\\n\",\"stdout\":\"3\\n\"},{\"stdin\":\"3\\n4\","
                        "\"stdout\":\"7\"},{\"stdin\":\"-5 5\\n\",\"stdout\":\"0\"}]");
    assert_true(p->limits.cpu_s == 4 && p->limits.memory_mib == 256);
    p = problems_find(&set, "APPS/2");
    assert_string_equal(p->entry_point, "Solution");
    assert_string_equal(json_part(p, "entry_point"), "\"in_order\"");
    assert_string_equal(json_part(p, "entry_class"), "\"Solution\"");
    assert_non_null(strstr(p->starter, "def in_order(self"));
    const json_t *one = json_array_get(part(p, "cases"), 2);
    assert_true(json_is_true(json_object_get(one, "wrapped")));
    assert_null(json_object_get(one, "int_keys"));
    p = problems_find(&set, "APPS/3");
    assert_string_equal(p->entry_point, "tally");
    one = json_array_get(part(p, "cases"), 0);
    assert_true(json_is_true(json_object_get(one, "int_keys")));
    p = problems_find(&set, "APPS/taco-1");
    assert_true(p->limits.cpu_s == 6 && p->limits.wall_s == 17 && p->limits.memory_mib == 512);
    assert_non_null(strstr(json_part(p, "checker"), "\"integers\":\"exact\""));
    problems_free(&set);
}

static void codecontests(void **state)
{
    (void)state;
    struct problem_set set = read_set(GOLDEN "codecontests.jsonl");
    const struct problem *p = problems_find(&set, "9999_A. Doubling");
    assert_non_null(p);
    assert_string_equal(json_part(p, "reference"), "\"print(2 * int(input()))\\n\"");
    assert_int_equal(json_array_size(p->references), 1);
    assert_int_equal(json_array_size(p->wrong), 2);
    assert_int_equal(json_array_size(part(p, "stdio")), 4);
    assert_non_null(strstr(json_part(p, "stdio"), "\"group\":\"generated\""));
    assert_true(p->limits.cpu_s == 5 && p->limits.memory_mib == 512);
    problems_free(&set);
}

static void livecodebench(void **state)
{
    (void)state;
    struct problem_set set = read_set(GOLDEN "livecodebench.jsonl");
    const struct problem *p = problems_find(&set, "LCB/abc_1");
    assert_int_equal(set.n, 4);
    assert_string_equal(json_part(p, "stdio"),
                        "[{\"group\":\"public\",\"stdin\":\"1 2\\n\",\"stdout\":\"2\\n\"},"
                        "{\"group\":\"private\",\"stdin\":\"5 -7\\n\",\"stdout\":\"5\\n\"},"
                        "{\"group\":\"private\",\"stdin\":\"3 3\",\"stdout\":\"3\"}]");
    p = problems_find(&set, "LCB/3000");
    assert_string_equal(json_part(p, "entry_point"), "\"addAll\"");
    assert_int_equal(json_array_size(part(p, "cases")), 3);
    const json_t *big = json_array_get(part(p, "cases"), 1);
    assert_non_null(json_object_get(json_object_get(big, "expected"), PROBLEM_BIG_INTEGER));
    assert_null(json_object_get(big, "wrapped"));
    assert_int_equal(json_array_size(part(problems_find(&set, "77"), "stdio")), 2);
    assert_string_equal(json_part(problems_find(&set, "78"), "cases"),
                        "[{\"args\":[[\"a\",\"b\"]],\"expected\":\"a-b\"},"
                        "{\"args\":[[]],\"expected\":\"\"}]");
    problems_free(&set);
}

static void the_others(void **state)
{
    (void)state;
    struct problem_set set = read_set(GOLDEN "openr1.jsonl");
    const struct problem *p = problems_find(&set, "vfc_1");
    assert_string_equal(json_part(p, "reference"),
                        "\"for i in range(int(input())):\\n    print(i + 1)\\n\"");
    assert_string_equal(problems_find(&set, "vfc_2")->entry_point, "twice");
    problems_free(&set);
    set = read_set(GOLDEN "codeforces.jsonl");
    p = problems_find(&set, "9999/B");
    assert_string_equal(json_string_value(json_object_get(part(p, "checker"), "protocol")),
                        "files");
    assert_non_null(strstr(p->prompt, "Any answer will do.\n\nOne number n"));
    problems_free(&set);
    set = read_set(GOLDEN "primeintellect.jsonl");
    assert_int_equal(set.n, 3);
    assert_string_equal(json_part(problems_find(&set, "pi_1"), "reference"),
                        "\"print('*' * int(input()))\\n\"");
    problems_free(&set);
    set = read_set(GOLDEN "commonoj.jsonl");
    assert_non_null(strstr(json_part(problems_find(&set, "8"), "checker"), "\"ignore_case\":true"));
    assert_non_null(
        strstr(json_part(problems_find(&set, "7"), "checker"), "\"ignore_case\":false"));
    problems_free(&set);
}

static void kattis(void **state)
{
    (void)state;
    struct problem_set set = read_set(GOLDEN "kattis");
    assert_int_equal(set.n, 2);
    const struct problem *p = problems_find(&set, "halves");
    assert_non_null(strstr(p->prompt, "\\problemname{Halves}"));
    const json_t *options = json_object_get(part(p, "checker"), "float");
    assert_true(json_real_value(json_object_get(options, "absolute")) == 1e-6);
    assert_true(json_real_value(json_object_get(options, "relative")) == 1e-6);
    assert_true(json_is_true(json_object_get(options, "ignore_case")));
    assert_int_equal(json_array_size(part(p, "stdio")), 4);
    assert_non_null(strstr(json_part(p, "stdio"), "\"group\":\"secret/large\",\"points\":2.0"));
    assert_non_null(strstr(json_part(p, "stdio"), "\"group\":\"sample\",\"points\":1.0"));
    assert_int_equal(json_array_size(p->references), 1);
    assert_int_equal(json_array_size(p->wrong), 2);
    assert_true(p->limits.cpu_s == 6 && p->limits.memory_mib == 512 &&
                p->limits.output_kib == 1024);
    p = problems_find(&set, "any_order");
    assert_string_equal(json_string_value(json_object_get(part(p, "checker"), "protocol")),
                        "kattis");
    assert_non_null(strstr(json_part(p, "checker"), "\"flags\":[\"distinct\"]"));
    assert_true(p->limits.cpu_s == 4);
    problems_free(&set);
    /* One package by its own path, with a slash at the end. */
    set = read_set(GOLDEN "kattis/halves/");
    assert_string_equal(set.v[0].id, "halves");
    problems_free(&set);
}

static void refuse(const char *line, const char *words)
{
    char path[] = "/tmp/assay-formats-XXXXXX.jsonl";
    int fd = mkstemps(path, 6);
    struct problem_set set = {0};
    struct err err = {0};
    assert_true(fd >= 0 && write(fd, line, strlen(line)) == (ssize_t)strlen(line));
    close(fd);
    int rc = problems_add(&set, path, NULL, NULL, &err);
    unlink(path);
    if (rc != -EINVAL || !strstr(err.text, words) || !strstr(err.text, ".jsonl:1: "))
        fail_msg("wanted `%s`, got `%s` for %s", words, err.text, line);
    assert_int_equal(set.n, 0);
    problems_free(&set);
}

static void bad_rows(void **state)
{
    (void)state;
#define APPS(io) "{\"question\":\"q\",\"input_output\":" io "}"
    refuse(APPS("\"\""), "`input_output` is no JSON");
    refuse(APPS("{\"inputs\":[],\"outputs\":[]}"), "no tests");
    refuse(APPS("{\"inputs\":[\"1\"]}"), "needs the lists");
    refuse(APPS("{\"inputs\":[\"1\"],\"outputs\":[]}"), "equally long");
    refuse(APPS("{\"inputs\":[\"1\"],\"outputs\":[{}]}"), "test 0: input and output");
    refuse(APPS("{\"inputs\":[\"1\"],\"outputs\":[[[\"a\"]]]}"), "test 0: input and output");
    refuse(APPS("{\"inputs\":[3],\"outputs\":[3],\"fn_name\":\"f\"}"), "list of arguments");
    refuse(APPS("{\"inputs\":[[3]],\"outputs\":[3],\"fn_name\":\"f g\"}"), "no function's name");
    refuse("{\"question\":\"\",\"input_output\":{}}", "`question` is missing or empty");
    refuse("{\"question\":3,\"input_output\":{}}", "`question` must be a string");
#define TESTS(list) "{\"name\":\"n\",\"description\":\"d\",\"public_tests\":" list "}"
    refuse(TESTS("{\"input\":[\"1\"],\"output\":[]}"), "1 inputs and 0 outputs");
    refuse("{\"name\":\"n\",\"description\":\"d\",\"input_file\":\"in.txt\",\"public_tests\":"
           "{\"input\":[\"1\"],\"output\":[\"1\"]}}",
           "read or write files");
#define LCB(private)                                                                               \
    "{\"question_content\":\"q\",\"public_test_cases\":\"[]\",\"private_test_cases\":" private "}"
    refuse(LCB("\"!\""), "`private_test_cases`: not base64");
    refuse(LCB("\"eJzLSM3JyQcABiwCFQ==\""), "`private_test_cases`: pickle: ");
    refuse(LCB("[{\"input\":\"1\",\"output\":\"1\",\"testtype\":\"functional\"}]"), "has no name");
    refuse(LCB("[{\"input\":\"1\",\"output\":\"1\",\"testtype\":\"psychic\"}]"), "unknown type");
    refuse(LCB("[{\"input\":\"1\"}]"), "no `output`");
#define OPENR1(info) "{\"problem\":\"q\",\"problem_id\":\"1\",\"verification_info\":" info "}"
    refuse(OPENR1("{\"language\":\"cpp\",\"test_cases\":[]}"), "tests of cpp programs");
    refuse(OPENR1("{\"language\":\"python\"}"), "must be a list of tests");
    refuse(OPENR1("{\"test_cases\":[{\"input\":[1],\"output\":2,\"fn_name\":\"f\"},"
                  "{\"input\":[1],\"output\":2,\"fn_name\":\"g\"}]}"),
           "tests call both `f` and `g`");
#define FORCES(rest) "{\"id\":\"1/A\",\"description\":\"d\",\"official_tests\":[]," rest "}"
    refuse(FORCES("\"input_mode\":\"file\""), "only `stdio` programs");
    refuse(FORCES("\"input_mode\":\"stdio\",\"interaction_format\":\"ask\""), "interactive");
    refuse(FORCES("\"input_mode\":\"stdio\""), "no tests");
    refuse("{\"content\":\"c\",\"test\":[{\"input\":{\"stdin\":\"\",\"files\":{\"a\":\"b\"}},"
           "\"output\":{\"stdout\":\"\"}}]}",
           "standard input only");
}

static void kattis_flags(void **state)
{
    struct kattis_flags f;
    struct err err = {0};
    (void)state;
    assert_int_equal(kattis_flags_read("float_tolerance x", &f, &err), -EINVAL);
    assert_int_equal(kattis_flags_read("float_tolerance", &f, &err), -EINVAL);
    assert_int_equal(kattis_flags_read(" case_sensitive\tspace_change_sensitive ", &f, &err), 0);
    json_t *checker = kattis_flags_checker(&f, &err);
    assert_true(json_is_false(json_object_get(json_object_get(checker, "exact"), "ignore_case")));
    json_decref(checker);
    assert_int_equal(kattis_flags_read("float_tolerance 1e-3 space_change_sensitive", &f, &err), 0);
    assert_null(kattis_flags_checker(&f, &err));
}

static void put(const char *folder, const char *name, const char *text)
{
    char path[PATH_MAX], *slash;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (slash = strchr(path + 5, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    assert_int_equal(file_replace(path, str_of(text), NULL), 0);
}

/* Each step adds to the package what the last message asked for. */
static void bad_packages(void **state)
{
    static const struct {
        const char *file, *text, *words;
    } steps[] = {
        {"problem.yaml", "name: x\n", NULL},
        {"data/note.txt", "", "no statement"},
        {"statement/problem.md", "Do it.", "no test"},
        {"data/secret/1.in", "1", "1.ans: No such file"},
        {"data/secret/1.ans", "\xff", "1.ans: not UTF-8"},
        {"data/secret/1.ans", "1", ""},
        {"problem.yaml", "name: x\nvalidation: custom interactive\n", "interactive"},
        {"problem.yaml", "type: [x\n", "problem.yaml:"},
        {"problem.yaml", "- x\n", "expected a mapping"},
        {"problem.yaml", "validation: custom\n", "no output validator"},
        {"output_validators/v.cpp", "", "in one Python file"},
        {"problem.yaml", "validation: default\n", ""},
        {".timelimit", "soon", "no number of seconds"},
        {".timelimit", "1", ""},
        {"data/secret/2/1.in", "1", "1.ans: No such file"},
        {"data/secret/2/1.ans", "1", ""},
        {"data/secret/2/testdata.yaml", "output_validator_flags: case_sensitive\n",
         "checked in different ways"},
    };
    char folder[] = "/tmp/assay-kattis-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct problem_set set = {0};
        struct err err = {0};
        put(folder, steps[i].file, steps[i].text);
        if (!steps[i].words)
            continue;
        int rc = problems_add(&set, folder, NULL, NULL, &err);
        if ((rc == 0) != !*steps[i].words || !strstr(err.text, steps[i].words))
            fail_msg("%s: wanted `%s`, got `%s`", steps[i].file, steps[i].words, err.text);
        problems_free(&set);
    }
    char command[PATH_MAX];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

/* A native problem keeps being one whatever its `tests` begin with. */
static void natives_are_left_alone(void **state)
{
    (void)state;
    static const char *const natives[] = {
        "{\"id\":\"a\",\"prompt\":\"p\",\"tests\":\"{1: f(1)}\"}",
        "{\"id\":\"a\",\"prompt\":\"p\",\"tests\":\"[{'input': 1}]\"}",
        "{\"id\":\"a\",\"prompt\":\"p\",\"stdio\":[{\"stdin\":\"\",\"stdout\":\"\"}]}"};
    for (size_t i = 0; i < COUNT_OF(natives); i++) {
        json_t *object = json_loads(natives[i], 0, NULL);
        assert_non_null(object);
        assert_null(prb_stdio_reader(object));
        json_decref(object);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apps),
        cmocka_unit_test(codecontests),
        cmocka_unit_test(livecodebench),
        cmocka_unit_test(the_others),
        cmocka_unit_test(kattis),
        cmocka_unit_test(bad_rows),
        cmocka_unit_test(kattis_flags),
        cmocka_unit_test(bad_packages),
        cmocka_unit_test(natives_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
