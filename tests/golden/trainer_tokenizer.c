/* The ids of real tokenizers (GPT-2, Qwen2.5) on 228 texts each, and llama.cpp's own vectors: all
 * must match. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/file.h"
#include "trainer/text/tokenizer.h"

#define DATA "../shared/data/tokenizers/"

/* Loads DATA/NAME_tokenizer.json.gz through a folder with the name that tok_load expects. */
static struct tokenizer *load(const char *name)
{
    char from[PATH_MAX], dir[] = "/tmp/assay-tok-XXXXXX", link[PATH_MAX];
    struct tokenizer *t = NULL;
    struct err err = {0};
    snprintf(from, sizeof from, DATA "%s_tokenizer.json.gz", name);
    char *real = realpath(from, NULL);
    if (!real) {
        print_message("%s is absent\n", from);
        skip();
    }
    assert_non_null(mkdtemp(dir));
    snprintf(link, sizeof link, "%s/tokenizer.json", dir);
    assert_int_equal(symlink(real, link), 0);
    if (tok_load(dir, &t, &err) < 0)
        fail_msg("%s", err.text);
    unlink(link);
    rmdir(dir);
    free(real);
    return t;
}

static bool record_matches(const struct tokenizer *t, const json_t *record, struct ids *ids,
                           struct buf *text)
{
    const json_t *in = json_object_get(record, "text"), *want = json_object_get(record, "ids");
    const json_t *decoded = json_object_get(record, "decoded");
    ids->n = 0;
    buf_clear(text);
    tok_encode(t, str_make(json_string_value(in), json_string_length(in)), true, ids);
    bool same = (size_t)ids->n == json_array_size(want);
    for (int i = 0; same && i < ids->n; i++)
        same = ids->v[i] == json_integer_value(json_array_get(want, i));
    tok_decode(t, ids->v, ids->n, true, text);
    const json_t *back = decoded ? decoded : in;
    return same &&
           str_eq(buf_view(text), str_make(json_string_value(back), json_string_length(back)));
}

static void check_golden(const char *name)
{
    struct tokenizer *t = load(name);
    struct buf file = {0}, text = {0};
    struct ids ids = {0};
    struct err err = {0};
    char path[PATH_MAX];
    int records = 0, wrong = 0;
    snprintf(path, sizeof path, DATA "golden_%s_dev.jsonl", name);
    assert_int_equal(file_read(path, 64 << 20, &file, &err), 0);
    for (char *line = strtok(file.s, "\n"); line; line = strtok(NULL, "\n")) {
        json_t *record = json_loads(line, JSON_ALLOW_NUL, NULL);
        assert_non_null(record);
        records++;
        if (!record_matches(t, record, &ids, &text)) {
            print_message("%s: record %lld (%s) differs\n", name,
                          json_integer_value(json_object_get(record, "id")),
                          json_string_value(json_object_get(record, "category")));
            wrong++;
        }
        json_decref(record);
    }
    assert_true(records >= 200);
    assert_int_equal(wrong, 0);
    buf_free(&file);
    buf_free(&text);
    free(ids.v);
    tok_free(t);
}

static void gpt2_golden(void **state)
{
    (void)state;
    check_golden("gpt2");
}

static void qwen_golden(void **state)
{
    (void)state;
    check_golden("qwen2.5");
}

static void check_llamacpp(const char *name, const char *vectors)
{
    struct tokenizer *t = load(name);
    struct buf in = {0}, out = {0};
    struct ids ids = {0};
    struct err err = {0};
    char path[PATH_MAX];
    snprintf(path, sizeof path, DATA "llamacpp_%s.inp", vectors);
    assert_int_equal(file_read(path, 64 << 20, &in, &err), 0);
    snprintf(path, sizeof path, DATA "llamacpp_%s.out", vectors);
    assert_int_equal(file_read(path, 64 << 20, &out, &err), 0);
    const struct str mark = STR("\n__ggml_vocab_test__\n");
    struct str rest = buf_view(&in);
    char *line = out.s;
    int n = 0;
    while (rest.len) {
        ptrdiff_t end = str_find(rest, mark, 0);
        struct str text = end < 0 ? rest : str_make(rest.s, (size_t)end);
        ids.n = 0;
        tok_encode(t, text, true, &ids);
        char *stop = strchr(line, '\n');
        assert_non_null(stop);
        int i = 0;
        for (char *next; line < stop; line = next, i++) {
            long id = strtol(line, &next, 10);
            if (next == line || next > stop)
                break;
            if (i >= ids.n || ids.v[i] != id)
                fail_msg("%s: text %d differs at id %d", vectors, n, i);
        }
        assert_int_equal(i, ids.n);
        line = stop + 1;
        rest = end < 0 ? str_from(rest, rest.len) : str_from(rest, (size_t)end + mark.len);
        n++;
    }
    assert_true(n > 20);
    buf_free(&in);
    buf_free(&out);
    free(ids.v);
    tok_free(t);
}

static void llamacpp_gpt2(void **state)
{
    (void)state;
    check_llamacpp("gpt2", "gpt-2");
}

static void llamacpp_qwen2(void **state)
{
    (void)state;
    check_llamacpp("qwen2.5", "qwen2");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpt2_golden),
        cmocka_unit_test(qwen_golden),
        cmocka_unit_test(llamacpp_gpt2),
        cmocka_unit_test(llamacpp_qwen2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
