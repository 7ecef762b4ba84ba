/* base_yaml.c: YAML into JSON trees, the key validator, and whole files in and out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/keys.h"

static json_t *load(const char *text, struct err *err)
{
    struct yaml y;
    if (yaml_load("f.yaml", text, strlen(text), &y, err) < 0)
        return NULL;
    json_t *doc = json_incref(json_array_get(y.docs, 0));
    yaml_free(&y);
    return doc;
}

static void expect_json(const char *yaml, const char *json)
{
    struct err err = {0};
    json_t *got = load(yaml, &err), *want = json_loads(json, JSON_DECODE_ANY, NULL);
    if (!got)
        fail_msg("%s", err.text);
    assert_non_null(want);
    if (!json_equal(got, want))
        fail_msg("%s gave %s", yaml, json_dumps(got, JSON_ENCODE_ANY));
    json_decref(got);
    json_decref(want);
}

static void expect_error(const char *yaml, const char *part)
{
    struct err err = {0};
    assert_null(load(yaml, &err));
    assert_int_equal(err.code, -EINVAL);
    if (!strstr(err.text, part))
        fail_msg("`%s` is not in `%s`", part, err.text);
}

static void core_schema_scalars(void **state)
{
    (void)state;
    expect_json("[null, Null, NULL, ~, '', true, False, TRUE]",
                "[null, null, null, null, \"\", true, false, true]");
    expect_json("[0, -0, +12, 007, 0x1f, 0o17, 9223372036854775807, -9223372036854775808]",
                "[0, 0, 12, 7, 31, 15, 9223372036854775807, -9223372036854775808]");
    expect_json("[1.5, -.5, 2., 1e3, 1E-2, +1.5e+2]", "[1.5, -0.5, 2.0, 1000.0, 0.01, 150.0]");
    expect_json("['1', \"true\", yes, no, on, 1_000, 0x, 0o8, '~', 1e, ., +, -0x3, 12:30]",
                "[\"1\", \"true\", \"yes\", \"no\", \"on\", \"1_000\", \"0x\", \"0o8\", \"~\", "
                "\"1e\", \".\", \"+\", \"-0x3\", \"12:30\"]");
    expect_json("a: |\n  x\n   y\nb: >\n  p\n  q\nc:\nd: []\n",
                "{\"a\": \"x\\n y\\n\", \"b\": \"p q\\n\", \"c\": null, \"d\": []}");
    expect_json("1: x\nnull: y\n", "{\"1\": \"x\", \"null\": \"y\"}");
}

static void what_json_cannot_hold_is_refused(void **state)
{
    (void)state;
    expect_error("a: 1\nb: 9223372036854775808\n", "f.yaml:2: a number that JSON cannot hold");
    expect_error("[.inf]", "`returns:`");
    expect_error("[-.INF]", "`call:`");
    expect_error("[.NaN]", "f.yaml:1");
    expect_error("[1e999]", "f.yaml:1");
    expect_error("a: &x 1\n", "anchors");
    expect_error("a: *x\n", "f.yaml:1");
    expect_error("a: !!str 1\n", "tags");
    expect_error("a: 1\n\na: 2\n", "f.yaml:3: duplicate key `a`");
    expect_error("? [1, 2]\n: x\n", "key");
    expect_error("a: [1\nb: 2\n", "f.yaml:");
    expect_error("\tx: 1\n", "f.yaml:1");
    expect_error("a: \xff\n", "UTF-8");
}

static void depth_is_capped(void **state)
{
    (void)state;
    char text[2 * YAML_DEPTH_MAX + 100];
    memset(text, '[', sizeof text - 1);
    text[sizeof text - 1] = 0;
    expect_error(text, "nested too deeply");
}

static void lines_are_kept(void **state)
{
    (void)state;
    static const char text[] = "# head\na: 1\nb:\n  c: true\n  d: [x,\n    y]\n---\nz: null\n";
    struct yaml y;
    assert_int_equal(yaml_load("f.yaml", text, sizeof text - 1, &y, NULL), 0);
    assert_int_equal(json_array_size(y.docs), 2);
    const json_t *doc = json_array_get(y.docs, 0), *b = json_object_get(doc, "b");
    assert_int_equal(yaml_line(&y, doc), 2);
    assert_int_equal(yaml_line(&y, b), 4);
    assert_int_equal(yaml_key_line(&y, doc, "b"), 3);
    assert_int_equal(yaml_key_line(&y, b, "c"), 4);
    assert_int_equal(yaml_line(&y, json_array_get(json_object_get(b, "d"), 1)), 6);
    assert_int_equal(yaml_key_line(&y, json_array_get(y.docs, 1), "z"), 8);
    assert_int_equal(yaml_key_line(&y, b, "nothing"), 0);
    yaml_free(&y);
}

static const struct key recipe_keys[] = {
    {"for", KEY_STRING, true},
    {"learning_rate", KEY_NUMBER, false},
    {"steps", KEY_INT | KEY_NULL, false},
    {"verbose", KEY_BOOL, false},
};

static void expect_keys(const char *text, const char *message)
{
    struct yaml y;
    struct err err = {0};
    assert_int_equal(yaml_load("f.yaml", text, strlen(text), &y, NULL), 0);
    struct where w = {.file = "f.yaml", .yaml = &y};
    int rc =
        keys_check(json_array_get(y.docs, 0), recipe_keys, COUNT_OF(recipe_keys), "", &w, &err);
    assert_int_equal(rc, message ? -EINVAL : 0);
    assert_string_equal(err.text, message ? message : "");
    yaml_free(&y);
}

static void keys_are_checked(void **state)
{
    (void)state;
    expect_keys("for: x\nsteps: null\nverbose: false\nlearning_rate: 3\n", NULL);
    expect_keys("for: x\nlearning_rat: 1\n",
                "f.yaml:2: unknown key `learning_rat` (did you mean `learning_rate`?)");
    expect_keys("\nfro: x\n", "f.yaml:2: unknown key `fro` (did you mean `for`?)");
    expect_keys("for: x\nqwertz: 1\n", "f.yaml:2: unknown key `qwertz`");
    expect_keys("for: 3\n", "f.yaml:1: `for` must be a string");
    expect_keys("for: x\n\nsteps: 1.5\n", "f.yaml:3: `steps` must be a whole number or null");
    expect_keys("for: x\nlearning_rate: fast\n", "f.yaml:2: `learning_rate` must be a number");
    expect_keys("for: x\nverbose: 1\n", "f.yaml:2: `verbose` must be true or false");
    expect_keys("steps: 1\n", "f.yaml:1: missing key `for`");
    expect_keys("[]\n", "f.yaml:1: expected a mapping");
}

static void keys_without_yaml_use_the_given_line(void **state)
{
    (void)state;
    struct err err = {0};
    json_t *object = json_pack("{s:i}", "for", 1);
    struct where w = {.file = "a.jsonl", .line = 7};
    assert_int_equal(keys_check(object, recipe_keys, 1, "limits.", &w, &err), -EINVAL);
    assert_string_equal(err.text, "a.jsonl:7: `limits.for` must be a string");
    w = (struct where){.file = "f.yaml: fam[3]"};
    keys_check(object, recipe_keys, 1, "", &w, &err);
    assert_string_equal(err.text, "f.yaml: fam[3]: `for` must be a string");
    json_decref(object);
}

static char folder[] = "/tmp/assay-base-XXXXXX";

static void files_appear_whole(void **state)
{
    (void)state;
    char path[128], seen[64];
    struct buf b = {0};
    struct err err = {0};
    snprintf(path, sizeof path, "%s/a", folder);
    assert_int_equal(file_replace(path, STR("one\n"), &err), 0);
    assert_int_equal(file_replace(path, STR("two\n"), &err), 0);
    assert_int_equal(file_read(path, 100, &b, &err), 0);
    assert_string_equal(b.s, "two\n");
    struct file_new f;
    assert_int_equal(file_new_open(&f, path, &err), 0);
    fputs("half", f.out);
    file_new_discard(&f);
    buf_clear(&b);
    assert_int_equal(file_read(path, 100, &b, &err), 0);
    assert_string_equal(b.s, "two\n");
    assert_int_equal(file_read(path, 3, &b, &err), -EFBIG);
    assert_string_equal(b.s, "two\n");
    buf_free(&b);
    snprintf(seen, sizeof seen, "ls -A %s | wc -l", folder);
    FILE *ls = popen(seen, "r");
    assert_non_null(fgets(seen, sizeof seen, ls));
    pclose(ls);
    assert_int_equal(atoi(seen), 1);
    assert_int_equal(file_replace("/nowhere/at/all", STR("x"), &err), -ENOENT);
    assert_int_equal(file_read("/nowhere/at/all", 9, &b, &err), -ENOENT);
    assert_int_equal(file_read(folder, 9, &b, &err), -EISDIR);
}

static void gzip_is_read_and_its_damage_seen(void **state)
{
    (void)state;
    char path[128], content[5000];
    struct buf b = {0};
    struct err err = {0};
    snprintf(path, sizeof path, "%s/z.gz", folder);
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (char)('a' + (i * i) % 23);
    gzFile gz = gzopen(path, "wb");
    assert_int_equal(gzwrite(gz, content, sizeof content), sizeof content);
    gzclose(gz);
    assert_int_equal(file_read(path, 1 << 20, &b, &err), 0);
    assert_int_equal(b.len, sizeof content);
    assert_memory_equal(b.s, content, sizeof content);
    buf_clear(&b);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size / 2), 0);
    assert_int_equal(file_read(path, 1 << 20, &b, &err), -EINVAL);
    assert_non_null(strstr(err.text, "truncated"));
    assert_int_equal(b.len, 0);
    buf_free(&b);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/a", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/z.gz", folder);
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(core_schema_scalars),
        cmocka_unit_test(what_json_cannot_hold_is_refused),
        cmocka_unit_test(depth_is_capped),
        cmocka_unit_test(lines_are_kept),
        cmocka_unit_test(keys_are_checked),
        cmocka_unit_test(keys_without_yaml_use_the_given_line),
        cmocka_unit_test(files_appear_whole),
        cmocka_unit_test(gzip_is_read_and_its_damage_seen),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
