/* verifier_problem.c: problem files of every format and families, and the messages for bad ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "verifier/problem/load.h"

static char folder[] = "/tmp/assay-problem-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[4][PATH_MAX];
    static int at;
    char *p = path[at++ % 4];
    snprintf(p, PATH_MAX, "%s/%s", folder, name);
    return p;
}

static const char *write_file(const char *name, const char *text)
{
    const char *path = path_of(name);
    assert_int_equal(file_replace(path, str_of(text), NULL), 0);
    return path;
}

/* Reads one file that must be fine. */
static struct problem_set read_good(const char *name, const char *text)
{
    struct problem_set set = {0};
    struct err err = {0};
    const char *path = write_file(name, text);
    if (problems_add(&set, path, NULL, NULL, &err) != 0)
        fail_msg("%s", err.text);
    unlink(path);
    return set;
}

static void expect_bad(const char *name, const char *text, int code, const char *part)
{
    struct problem_set set = {0};
    struct err err = {0};
    const char *path = write_file(name, text);
    assert_int_equal(problems_add(&set, path, NULL, NULL, &err), code);
    assert_int_equal(err.code, code);
    if (!strstr(err.text, part) || strncmp(err.text, path, strlen(path)) != 0)
        fail_msg("`%s` is not in `%s`", part, err.text);
    assert_int_equal(set.n, 0);
    problems_free(&set);
    unlink(path);
}

static const char full[] = "id: add\nprompt: |\n  Add.\nentry_point: add\nstarter: import math\n"
                           "cases:\n  - {args: [1, 2], kwargs: {c: 3}, expected: 6}\n  - {call: "
                           "'add(2, 2)', returns: '4'}\n"
                           "  - {args: [null], raises: TypeError}\n  - {args: [], expected: null}\n"
                           "tests: |\n  assert add(1, 1) == 2\nstdio: [{stdin: '', stdout: x, "
                           "points: 2}]\nchecker: tokens\n"
                           "compare: {float: 1e-9, sequences: any}\nreference: 'def add(a, b): "
                           "return a + b'\nwrong: ['x', 'y']\n"
                           "limits: {cpu_s: 1.5, memory_mib: 64}\ntiming: {call: 'add(1, 2)', "
                           "setup: 'x = 1', margin: 1.2}\n"
                           "tags: [math]\nlevel: 2\ndemonstration: 'so it is'\n"
                           "---\nid: small\nprompt: p\ntests: assert True\n---\n";

static void native_yaml(void **state)
{
    (void)state;
    struct problem_set set = read_good("full.yaml", full);
    assert_int_equal(set.n, 2);
    assert_int_equal(set.n_sources, 1);
    assert_int_equal(set.source_first[1], 2);
    const struct problem *p = problems_find(&set, "add"), *q = problems_find(&set, "small");
    assert_ptr_equal(p, &set.v[0]);
    assert_null(problems_find(&set, "none"));
    assert_string_equal(p->prompt, "Add.\n");
    assert_string_equal(p->starter, "import math\n");
    assert_null(p->prefix);
    assert_true(p->limits.cpu_s == 1.5 && p->limits.wall_s == 10 && p->limits.memory_mib == 64);
    assert_int_equal(json_array_size(p->wrong), 2);
    char *shown = json_dumps(p->shown, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(shown, "{\"demonstration\":\"so it is\",\"level\":2,\"tags\":[\"math\"]}");
    free(shown);
    assert_int_equal(json_array_size(json_object_get(p->suite, "cases")), 4);
    assert_true(json_equal(json_object_get(json_object_get(p->suite, "limits"), "memory_mib"),
                           json_object_get(json_object_get(q->suite, "limits"), "memory_mib")) ==
                0);
    assert_null(json_object_get(p->suite, "wrong"));
    assert_null(q->entry_point);
    assert_true(json_is_null(json_object_get(q->suite, "timing")));
    assert_non_null(strstr(p->source, "full.yaml:1"));
    assert_non_null(strstr(q->source, "full.yaml:24"));
    problems_free(&set);
}

static void limits_may_be_relative(void **state)
{
    (void)state;
    struct problem_set set =
        read_good("relative.yaml", "id: a\nprompt: p\ntests: assert True\nreference: 'x = 1'\n"
                                   "limits: {cpu_s: 2.5x, wall_s: 30}\n"
                                   "---\nid: b\nprompt: p\ntests: assert True\n");
    const struct problem *p = problems_find(&set, "a"), *q = problems_find(&set, "b");
    const json_t *limits = json_object_get(p->suite, "limits");
    assert_true(p->limits.cpu_times == 2.5 && p->limits.cpu_s == 60 && p->limits.wall_s == 30);
    assert_true(json_real_value(json_object_get(limits, "cpu_times")) == 2.5);
    assert_true(q->limits.cpu_times == 0);
    assert_null(json_object_get(json_object_get(q->suite, "limits"), "cpu_times"));
    problems_free(&set);
}

static void key_is_the_suites_content(void **state)
{
    (void)state;
    struct problem_set a = read_good("a.yaml", "id: a\nprompt: p\ntests: '1'\n"),
                       b = read_good("b.jsonl",
                                     "{\"tests\":\"1\",\"prompt\":\"other\",\"id\":\"b\"}\n"),
                       c = read_good("c.yaml", "id: a\nprompt: p\ntests: '2'\n");
    assert_int_equal(strlen(a.v[0].key), 32);
    assert_string_equal(a.v[0].key, b.v[0].key);
    assert_string_not_equal(a.v[0].key, c.v[0].key);
    problems_free(&a);
    problems_free(&b);
    problems_free(&c);
    /* FNV-1a of the two quotes of an empty JSON string, computed apart from this code. */
    char hex[33];
    json_t *s = json_string("");
    prb_hash(s, hex);
    json_decref(s);
    assert_string_equal(hex, "088094af1dab1be95aa07330555adc6d");
}

static void bad_native_files(void **state)
{
    (void)state;
#define HEAD "id: a\nprompt: p\nentry_point: f\n"
    static const struct {
        const char *text, *part;
    } bad[] = {
        {HEAD "case: []\n", ":4: unknown key `case` (did you mean `cases`?)"},
        {"id: a\ntests: x\n", ":1: missing key `prompt`"},
        {"id: 3\nprompt: p\ntests: x\n", ":1: `id` must be a string"},
        {"id: ''\nprompt: p\ntests: x\n", ":1: `id` is empty"},
        {"id: a\nprompt: p\n", ":1: no tests"},
        {"id: a\nprompt: p\ntests: ' '\ncases: []\n", "no tests"},
        {"id: a\nprompt: p\nentry_point: a.b\ntests: x\n", ":3: `entry_point` must be a name"},
        {"id: a\nprompt: p\ncases: [{args: [1], expected: 1}]\n", "need an `entry_point`"},
        {HEAD "cases: [{args: [1]}]\n", ":4: `cases[0]` needs exactly one of"},
        {HEAD "cases:\n  - {args: [1], expected: 1}\n  - {args: [1], expected: 1, raises: E}\n",
         ":6: `cases[1]`"},
        {HEAD "cases: [{expected: 1}]\n", "needs either `args` (a list) or `call`"},
        {HEAD "cases: [{args: [1], call: f(1), expected: 1}]\n", "needs either"},
        {HEAD "cases: [{args: 1, expected: 1}]\n", "`cases[0].args` must be a list"},
        {HEAD "cases: [3]\n", ":4: cases[0].expected a mapping"},
        {HEAD "cases: [{args: [], expected: 99999999999999999999}]\n", "`returns:`"},
        {HEAD "stdio: [{stdin: x}]\n", "missing key `stdio[0].stdout`"},
        {HEAD "tests: x\nchecker: token\n", ":5: `checker` must be exact, tokens"},
        {HEAD "tests: x\nchecker: {float: 1, python: x}\n", "exactly one"},
        {HEAD "tests: x\nchecker: {float: 2}\n", "below 1"},
        {HEAD "tests: x\ncompare: {sequences: all}\n", "`compare.sequences` must be any"},
        {HEAD "tests: x\nlimits: {cpu: 3}\n", "unknown key `limits.cpu` (did you mean `cpu_s`?)"},
        {HEAD "tests: x\nlimits:\n  cpu_s: 1\n  threads: 0\n",
         ":7: `limits.threads` must be above 0"},
        {HEAD "tests: x\ntiming: {call: f()}\n", ":5: `timing` needs a `reference`"},
        {HEAD "tests: x\nreference: y\ntiming: {call: f(), margin: 0.9}\n", "at least 1"},
        {HEAD "tests: x\nreference: y\ntiming: {call: f(), refine: -1}\n", "seconds from 0 to 30"},
        {HEAD "tests: x\nreference: y\ntiming: {call: f(), sizes: [1, 2]}\n", "3 to 8 rising"},
        {HEAD "tests: x\nreference: y\ntiming: {call: f(), sizes: [1, 3, 2]}\n", "3 to 8 rising"},
        {HEAD "tests: x\nreference: y\ntiming: {call: f(), sizes: [0, 1, 2]}\n", "3 to 8 rising"},
        {HEAD "tests: x\nreference: y\ntiming: {call: f(), sizes: [1, 2, 3.5]}\n", "3 to 8 rising"},
        {HEAD "tests: x\nlimits: {cpu_s: 5x}\n", ":5: `limits.cpu_s: 5x` needs a `reference`"},
        {HEAD "tests: x\nreference: y\nlimits: {cpu_s: x5}\n", ":6: `limits.cpu_s` must be a"},
        {HEAD "tests: x\nreference: y\nlimits: {cpu_s: 0.5x}\n", "from 1x to 1000x"},
        {HEAD "tests: x\nreference: y\nlimits: {cpu_s: 5x , wall_s: 0}\n", "`limits.wall_s`"},
        {HEAD "tests: x\nreference: y\nlimits: {cpu_s: nanx}\n", "from 1x to 1000x"},
        {HEAD "tests: x\nwrong: [1]\n", ":5: `wrong[0]` must be a string"},
        {HEAD "tests: x\ntags: lists\n", "`tags` must be a list"},
        {"id: \"a\\0b\"\nprompt: p\ntests: x\n", ":1: `id` holds a NUL byte"},
        {"- id: a\n", ":1: a problem must be a mapping"},
        {"# nothing\n", ": no problem in it"},
        {"id: a\n\n  x: [\n", ":"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        expect_bad("bad.yaml", bad[i].text, -EINVAL, bad[i].part);
    expect_bad("twice.yaml", "id: a\nprompt: p\ntests: x\n---\nid: a\nprompt: p\ntests: x\n",
               -EEXIST, ":5: duplicate id `a` (first in ");
    expect_bad("x.txt", "id: a\n", -EINVAL, "not a problem file");
}

static void bad_json(void **state)
{
    (void)state;
    static const char good[] = "{\"id\":\"a\",\"prompt\":\"p\",\"tests\":\"x\"}\n";
    char text[300];
    snprintf(text, sizeof text, "%s\n{\"id\":\"b\",\"prompt\":", good);
    expect_bad("x.jsonl", text, -EINVAL, "x.jsonl:3: ");
    snprintf(text, sizeof text, "%s{\"id\":\"b\",\"id\":\"b\"}", good);
    expect_bad("x.jsonl", text, -EINVAL, "x.jsonl:2: duplicate object key");
    snprintf(text, sizeof text, "%s{\"id\":\"b\",\"promt\":\"b\"}", good);
    expect_bad("x.jsonl", text, -EINVAL, "x.jsonl:2: unknown key `promt` (did you mean `prompt`?)");
    expect_bad("x.jsonl", "{\"id\":\"b\",\"level\":123456789012345678901}", -EINVAL,
               "`level` must be a whole number");
    expect_bad("x.jsonl", "{\"id\":\"b\",\"level\":1e400}", -EINVAL, "Python source");
    expect_bad("x.json", "[{\"id\":\"b\",\"prompt\":\"p\",\"tests\":3}]", -EINVAL,
               "x.json: [0]: `tests` must be a string or null");
}

static void nothing_is_added_on_failure(void **state)
{
    (void)state;
    struct problem_set set = read_good("one.yaml", "id: a\nprompt: p\ntests: x\n");
    struct err err = {0};
    const char *path =
        write_file("two.yaml", "id: b\nprompt: p\ntests: x\n---\nid: a\nprompt: p\ntests: x\n");
    assert_int_equal(problems_add(&set, path, NULL, NULL, &err), -EEXIST);
    assert_int_equal(set.n, 1);
    assert_int_equal(set.n_sources, 1);
    assert_null(problems_find(&set, "b"));
    assert_non_null(problems_find(&set, "a"));
    assert_int_equal(problems_add(&set, path_of("missing.yaml"), NULL, NULL, &err), -ENOENT);
    assert_non_null(strstr(err.text, "missing.yaml: No such file"));
    unlink(path);
    problems_free(&set);
}

static void folders_are_read_in_order(void **state)
{
    (void)state;
    struct problem_set set = {0};
    struct err err = {0};
    assert_int_equal(mkdir(path_of("pack"), 0777), 0);
    assert_int_equal(mkdir(path_of("pack/sub"), 0777), 0);
    const char *const files[] = {"pack/b.yml", "pack/sub/a.jsonl", "pack/README.md",
                                 "pack/.hidden.yaml"};
    write_file(files[0], "id: b\nprompt: p\ntests: x\n");
    write_file(files[1], "{\"id\":\"a\",\"prompt\":\"p\",\"tests\":\"x\"}\n");
    write_file(files[2], "# not one");
    write_file(files[3], "nor: this");
    assert_int_equal(problems_add(&set, path_of("pack"), NULL, NULL, &err), 0);
    assert_int_equal(set.n, 2);
    assert_string_equal(set.v[0].id, "b");
    for (size_t i = 0; i < COUNT_OF(files); i++)
        unlink(path_of(files[i]));
    problems_free(&set);
    assert_int_equal(problems_add(&set, path_of("pack"), NULL, NULL, &err), -EINVAL);
    problems_free(&set);
    rmdir(path_of("pack/sub"));
    rmdir(path_of("pack"));
}

/* A stand-in for the judge: answers the parameters as a problem's prompt, `count` times. */
static json_t *generate(void *ctx, const char *name, const char *source, json_t *params,
                        struct err *err)
{
    json_t *made = json_array();
    char *shown = json_dumps(params, JSON_SORT_KEYS | JSON_COMPACT);
    assert_string_equal(source, "code\n");
    assert_non_null(strstr(name, "fam.yaml:2"));
    (void)err;
    for (json_int_t i = 0; i < json_integer_value(json_object_get(params, "count")); i++)
        json_array_append_new(made, json_pack("{s:o, s:s, s:s}", *(const char **)ctx,
                                              json_sprintf("p/%d", (int)i), "prompt", shown,
                                              "tests", "x"));
    free(shown);
    return made;
}

static void families(void **state)
{
    (void)state;
    struct problem_set set = {0};
    struct err err = {0};
    const char *key = "id";
    char spec[PATH_MAX];
    const char *path =
        write_file("fam.yaml", "id: fam\ngenerate: |\n  code\nparams: {count: 2, seed: 0}\n");
    assert_int_equal(problems_add(&set, path, generate, &key, &err), 0);
    assert_int_equal(set.n, 2);
    problems_free(&set);
    snprintf(spec, sizeof spec, "%s?count=3&mix=0,.5&r=1.5&split=test", path);
    assert_int_equal(problems_add(&set, spec, generate, &key, &err), 0);
    assert_int_equal(set.n, 3);
    assert_string_equal(set.v[2].prompt,
                        "{\"count\":3,\"mix\":\"0,.5\",\"r\":1.5,\"seed\":0,\"split\":\"test\"}");
    assert_non_null(strstr(set.v[2].source, "fam.yaml: fam[2]"));
    problems_free(&set);
    key = "ident";
    assert_int_equal(problems_add(&set, spec, generate, &key, &err), -EINVAL);
    assert_non_null(strstr(err.text, "fam.yaml: fam[0]: unknown key `ident`"));
    assert_int_equal(problems_add(&set, path, NULL, NULL, &err), -EINVAL);
    static const char *const specs[] = {"?count", "?=3", "?count=1&count=2", "?x=.nan"};
    for (size_t i = 0; i < COUNT_OF(specs); i++) {
        snprintf(spec, sizeof spec, "%s%s", path, specs[i]);
        assert_int_equal(problems_add(&set, spec, generate, &key, &err), -EINVAL);
    }
    path = write_file("fam.yaml", "id: a\nprompt: p\ntests: x\n");
    snprintf(spec, sizeof spec, "%s?count=1", path);
    assert_int_equal(problems_add(&set, spec, generate, &key, &err), -EINVAL);
    assert_non_null(strstr(err.text, "nothing there has a `generate`"));
    unlink(path);
    problems_free(&set);
}

static json_t *many(void *ctx, const char *name, const char *source, json_t *params,
                    struct err *err)
{
    json_t *made = json_array();
    (void)ctx, (void)name, (void)source, (void)params, (void)err;
    for (int i = 0; i < 20000; i++)
        json_array_append_new(
            made,
            json_pack(
                "{s:o, s:s, s:s, s:[{s:[[i,i,i]], s:[i,i,i]},{s:[[i,i]], s:[i]}], s:s, s:i, s:[s]}",
                "id", json_sprintf("many/%d", i), "prompt", "Sort the list and add nothing to it.",
                "entry_point", "solve", "cases", "args", i, 2, 3, "expected", 2, 3, i, "args", i, 1,
                "expected", i, "reference", "def solve(xs):\n    return sorted(xs)\n", "level",
                i % 3, "tags", "lists"));
    return made;
}

static void a_family_of_20000_is_quick(void **state)
{
    (void)state;
    struct problem_set set = {0};
    struct err err = {0};
    const char *path = write_file("many.yaml", "id: many\ngenerate: x\n");
    int64_t start = cpu_ns();
    assert_int_equal(problems_add(&set, path, many, NULL, &err), 0);
    assert_int_equal(set.n, 20000);
    assert_true(cpu_ns() - start < 3 * (int64_t)NS_PER_S);
    problems_free(&set);
    unlink(path);
}

/* A published set, or the test is skipped. */
static struct problem_set published(const char *path)
{
    struct problem_set set = {0};
    struct err err = {0};
    if (access(path, R_OK) != 0) {
        print_message("# %s is absent\n", path);
        skip();
    }
    if (problems_add(&set, path, NULL, NULL, &err) != 0)
        fail_msg("%s", err.text);
    return set;
}

static void humaneval(void **state)
{
    (void)state;
    struct problem_set set = published("../shared/data/humaneval/HumanEval.jsonl.gz");
    assert_int_equal(set.n, 164);
    for (int i = 0; i < set.n; i++) {
        const struct problem *p = &set.v[i];
        assert_non_null(strstr(p->prefix, p->prompt));
        char def[128];
        snprintf(def, sizeof def, "def %s(", p->entry_point);
        assert_null(strstr(p->starter, def));
        assert_non_null(
            strstr(json_string_value(json_object_get(p->suite, "reference")), p->entry_point));
    }
    const struct problem *poly = problems_find(&set, "HumanEval/32");
    assert_string_equal(poly->entry_point, "find_zero");
    assert_non_null(strstr(poly->starter, "def poly("));
    problems_free(&set);
}

static void mbpp(void **state)
{
    (void)state;
    struct problem_set set = published("../shared/data/mbpp/mbpp.jsonl.gz");
    assert_int_equal(set.n, 974);
    const struct problem *p = problems_find(&set, "Mbpp/1"),
                         *tree = problems_find(&set, "Mbpp/927");
    assert_ptr_equal(problems_find(&set, "1"), p);
    assert_ptr_equal(problems_find(&set, "MBPP/1"), p);
    assert_null(problems_find(&set, "mbpp/"));
    assert_null(problems_find(&set, "1x"));
    assert_null(p->entry_point);
    assert_true(p->limits.cpu_s >= 5);
    assert_non_null(strstr(p->prompt, "assert min_cost("));
    assert_null(strchr(json_string_value(json_object_get(p->suite, "reference")), '\r'));
    assert_non_null(
        strstr(json_string_value(json_object_get(tree->suite, "tests")), "root = Node(1)"));
    problems_free(&set);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(native_yaml),
        cmocka_unit_test(limits_may_be_relative),
        cmocka_unit_test(key_is_the_suites_content),
        cmocka_unit_test(bad_native_files),
        cmocka_unit_test(bad_json),
        cmocka_unit_test(nothing_is_added_on_failure),
        cmocka_unit_test(folders_are_read_in_order),
        cmocka_unit_test(families),
        cmocka_unit_test(a_family_of_20000_is_quick),
        cmocka_unit_test(humaneval),
        cmocka_unit_test(mbpp),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
