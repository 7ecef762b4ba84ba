/* What the server keeps: problems that are replaced while jobs look at them, its numbers, and what it notices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "folder.h"
#include "verifier/catalog.h"
#include "verifier/metrics.h"

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static const char two[] =
    "id: a/1\nprompt: x\nentry_point: f\ncases: [{args: [1], expected: 1}]\n---\n"
    "id: a/2\nprompt: y\nentry_point: f\ncases: [{args: [1], expected: 2}]\n";

static void test_catalog(void **state)
{
    (void)state;
    char folder[] = "/tmp/assay-server-XXXXXX", *file, *other;
    assert_non_null(mkdtemp(folder));
    assert_true(asprintf(&file, "%s/some.set.yaml", folder) > 0);
    assert_true(asprintf(&other, "%s/missing.jsonl", folder) > 0);
    struct err err;
    write_file(file, two);
    struct catalog *c = NULL;
    assert_int_equal(catalog_load(&file, 1, &c, &err), 0);
    assert_int_equal(c->set.n, 2);
    assert_string_equal(c->names[0], "some.set");
    assert_int_equal(catalog_source(c, "some.set"), 0);
    assert_int_equal(catalog_source(c, "some"), -1);

    /* The last of its users frees it: the sanitisers would see it go early or not at all. */
    assert_ptr_equal(catalog_keep(c), c);
    catalog_drop(c);
    assert_string_equal(c->set.v[1].id, "a/2");
    catalog_drop(c);
    catalog_drop(catalog_keep(NULL));

    char *both[] = {file, other};
    c = NULL;
    assert_int_equal(catalog_load(both, 2, &c, &err), -ENOENT);
    assert_null(c);
    assert_non_null(strstr(err.text, "missing.jsonl"));
    free(file);
    free(other);
    folder_remove(folder);
}

static void test_names(void **state)
{
    (void)state;
    char folder[] = "/tmp/assay-server-XXXXXX", *spec, *sub, *file;
    struct err err;
    assert_non_null(mkdtemp(folder));
    assert_true(asprintf(&sub, "%s/pack", folder) > 0);
    assert_true(asprintf(&spec, "%s/pack/", folder) > 0);
    assert_true(asprintf(&file, "%s/pack/x.yaml", folder) > 0);
    assert_int_equal(mkdir(sub, 0700), 0);
    write_file(file, two);
    struct catalog *c = NULL;
    assert_int_equal(catalog_load(&spec, 1, &c, &err), 0);
    assert_string_equal(c->names[0], "pack");
    catalog_drop(c);
    free(sub);
    free(spec);
    free(file);
    folder_remove(folder);
}

/* A problem out of a request: any format, its own limits or those asked for, and never a family. */
static void test_own_problem(void **state)
{
    (void)state;
    struct err err;
    json_t *row = json_pack("{s:i, s:s, s:[{s:{s:s}, s:{s:s}}]}", "id", 7, "content", "Double it.",
                            "test", "input", "stdin", "2", "output", "stdout", "4");
    struct catalog *as_is = NULL, *limited = NULL, *none = NULL;
    assert_int_equal(catalog_of_object(row, "here", 0, &as_is, &err), 0);
    assert_int_equal(catalog_of_object(row, "here", 1.5, &limited, &err), 0);
    const struct problem *p = &as_is->set.v[0], *q = &limited->set.v[0];
    assert_string_equal(p->id, "7");
    assert_true(q->limits.wall_s == 1.5 && q->limits.cpu_s == 1.5);
    assert_true(json_number_value(json_object_get(json_object_get(q->suite, "limits"), "wall_s")) ==
                1.5);
    assert_string_not_equal(p->key, q->key); /* other limits are another question */
    catalog_drop(as_is);
    catalog_drop(limited);
    json_object_set_new(row, "generate", json_string("def generate(seed, count): pass"));
    assert_int_equal(catalog_of_object(row, "here", 0, &none, &err), -EINVAL);
    assert_non_null(strstr(err.text, "here: "));
    json_object_clear(row);
    assert_int_equal(catalog_of_object(row, "here", 0, &none, &err), -EINVAL);
    json_decref(row);
}

static void test_histogram(void **state)
{
    (void)state;
    struct histogram h = {0};
    struct buf out = {0};
    histogram_add(&h, 0);
    histogram_add(&h, .001); /* a bound belongs to its own bucket */
    histogram_add(&h, .0011);
    histogram_add(&h, 1e6);
    histogram_write(&h, "x", "k=\"v\"", &out);
    assert_non_null(strstr(out.s, "assay_x_bucket{k=\"v\",le=\"0.001\"} 2\n"));
    assert_non_null(strstr(out.s, "assay_x_bucket{k=\"v\",le=\"0.0025\"} 3\n"));
    assert_non_null(strstr(out.s, "assay_x_bucket{k=\"v\",le=\"120\"} 3\n"));
    assert_non_null(strstr(out.s, "assay_x_bucket{k=\"v\",le=\"+Inf\"} 4\n"));
    assert_non_null(strstr(out.s, "assay_x_count{k=\"v\"} 4\n"));
    buf_clear(&out);
    histogram_write(&h, "x", "", &out);
    assert_non_null(strstr(out.s, "assay_x_bucket{le=\"0.001\"} 2\n"));
    assert_non_null(strstr(out.s, "assay_x_count 4\n"));
    buf_free(&out);
}

static int sign(const char *name)
{
    for (int i = 0; signs_name(i); i++)
        if (strcmp(signs_name(i), name) == 0)
            return i;
    fail_msg("no sign %s", name);
    return -1;
}

static void test_signs(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"exit", "import os\nos._exit(0)"},
        {"equality", "class X(int):\n    def __eq__(self, o): return True"},
        {"frames", "import sys\nsys._getframe(1).f_locals"},
        {"collector", "gc.get_objects()"},
        {"proc-files", "open('/proc/self/cmdline')"},
        {"native", "import ctypes"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_true(signs_of(str_of(texts[i][1])) >> sign(texts[i][0]) & 1);
    assert_int_equal(signs_of(STR("def add(a, b):\n    return a + b\n")), 0);
    assert_int_equal(signs_of(STR("")), 0);
    assert_null(signs_name(SIGNS_MAX));

    struct metrics m = {0};
    json_t *item = json_pack("{s:s}", "solution", "import os\nos._exit(0)");
    json_t *failed = json_pack("{s:s, s:s}", "grade", "fails-tests", "reason", "exception"),
           *passed = json_pack("{s:s, s:n}", "grade", "correct", "reason"),
           *fault = json_pack("{s:n, s:s}", "grade", "infra", "a fault of ours");
    metrics_verdict(&m, item, failed, .01);
    metrics_verdict(&m, item, passed, .01);
    metrics_verdict(&m, item, fault, .01); /* neither passed nor rewarded */
    assert_int_equal(m.signs[sign("exit")][0], 2);
    assert_int_equal(m.signs[sign("exit")][1], 1);
    assert_int_equal(m.tally.n, 3);
    assert_int_equal(m.tally.infra, 1);
    json_decref(item);
    json_decref(failed);
    json_decref(passed);
    json_decref(fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_own_problem), cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_signs),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
