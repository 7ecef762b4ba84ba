/* The ids of real tokenizers (GPT-2, Qwen2.5) on 228 texts each, and llama.cpp's own vectors: all
 * must match. Random strings, 10,000 with each (TOKENIZER_STRINGS=n for more), come back. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/file.h"
#include "base/rng.h"
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

/* Bytes at random, characters at random, and what tokenizers stumble over. */
static void random_text(struct rng *rng, struct buf *out)
{
    static const char *const odd[] = {
        "<|endoftext|>", "<|im_start|>", "\r\n",         "   ",
        "'ll",           "e\xcc\x81",    "\xed\xa0\x80", "\xf0\x9f\x91\xa9\xe2\x80\x8d",
        "\xc2\xa0",      "12345",        "\xff",         "\xe0\xa4\x95\xe0\xa5\x8d"};
    buf_clear(out);
    for (uint64_t parts = rng_below(rng, 12), kind = rng_below(rng, 4); parts > 0; parts--) {
        const uint64_t c = rng_below(rng, 0x110000);
        if (kind == 0 || rng_below(rng, 6) == 0) {
            buf_char(out, (char)rng_below(rng, 256));
        } else if (kind == 1 && c >= 0x10000) {
            buf_char(out, (char)(0xf0 | c >> 18));
            buf_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
            buf_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
            buf_char(out, (char)(0x80 | (c & 0x3f)));
        } else if (kind == 2) {
            buf_puts(out, odd[rng_below(rng, COUNT_OF(odd))]);
        } else {
            for (uint64_t n = rng_below(rng, 8); n > 0; n--)
                buf_char(out, " etaoin\n0(=_A"[rng_below(rng, 14)]);
        }
    }
}

/* Ids back to the very bytes; with a normaliser (Qwen2.5: NFC) to bytes that come back from then on. */
static void check_random(const char *name, uint64_t seed, bool normalises)
{
    const char *asked = getenv("TOKENIZER_STRINGS");
    const long strings = asked ? atol(asked) : 10000;
    struct tokenizer *t = load(name);
    struct rng rng = rng_make(seed, 0);
    struct buf text = {0}, back = {0}, again = {0};
    struct ids ids = {0};
    long changed = 0;
    for (long i = 0; i < strings; i++) {
        random_text(&rng, &text);
        for (int pass = 0; pass < 1 + normalises; pass++) {
            struct buf *from = pass ? &back : &text, *to = pass ? &again : &back;
            ids.n = 0;
            buf_clear(to);
            tok_encode(t, buf_view(from), i % 2, &ids);
            tok_decode(t, ids.v, ids.n, true, to);
        }
        if (!str_eq(buf_view(normalises ? &again : &text), buf_view(&back)))
            fail_msg("%s: string %ld of %zu bytes does not come back", name, i, text.len);
        changed += !str_eq(buf_view(&text), buf_view(&back));
    }
    print_message("# %s: %ld random strings, %ld changed by NFC\n", name, strings, changed);
    assert_true(changed < strings / 2 && (changed == 0 || normalises));
    buf_free(&text);
    buf_free(&back);
    buf_free(&again);
    free(ids.v);
    tok_free(t);
}

static void gpt2_random(void **state)
{
    (void)state;
    check_random("gpt2", 1, false);
}

static void qwen_random(void **state)
{
    (void)state;
    check_random("qwen2.5", 2, true);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpt2_golden),   cmocka_unit_test(qwen_golden),
        cmocka_unit_test(llamacpp_gpt2), cmocka_unit_test(llamacpp_qwen2),
        cmocka_unit_test(gpt2_random),   cmocka_unit_test(qwen_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
