/* Tokenizers: training is deterministic and fast, nothing is lost between bytes and ids, files are
 * read strictly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "tests/unit/folder.h"
#include "trainer/text/tok_internal.h"

static const char *const SPECIALS[] = {"<|end|>", "<|pad|>"};

static const char *const TEXTS[] = {
    "Write python code that takes a list of numbers.\n<think>\n1. doubles each: "
    "double\n</think>\n<answer>\n```python\n",
    "def solve(xs):\n    xs = [x * 2 for x in xs]\n    return xs\n```\n</answer>",
    "<think>\n1. sorts: sort\n</think>\n<answer>",
    "def solve(xs):\n    xs = sorted(xs)\n    return xs\n",
    "list of numbers, list of integers, list of lists: 17 and 42",
};

static struct tokenizer *train(int vocab)
{
    struct str texts[COUNT_OF(TEXTS)];
    struct tokenizer *t;
    struct err err = {0};
    for (size_t i = 0; i < COUNT_OF(TEXTS); i++)
        texts[i] = str_of(TEXTS[i]);
    if (tok_train(texts, COUNT_OF(TEXTS), vocab, NULL, SPECIALS, COUNT_OF(SPECIALS), &t, &err) < 0)
        fail_msg("%s", err.text);
    return t;
}

static void assert_identity(const struct tokenizer *t, struct str text)
{
    struct ids ids = {0};
    struct buf back = {0};
    tok_encode(t, text, false, &ids);
    tok_decode(t, ids.v, ids.n, true, &back);
    assert_int_equal(back.len, text.len);
    if (text.len)
        assert_memory_equal(back.s, text.s, text.len);
    free(ids.v);
    buf_free(&back);
}

static void bytes_then_merges_then_specials(void **state)
{
    (void)state;
    struct tokenizer *t = train(300);
    struct buf out = {0};
    assert_int_equal(tok_vocab(t), 300);
    assert_int_equal(tok_special(t, "<|end|>"), 298);
    assert_int_equal(tok_special(t, "<|pad|>"), 299);
    assert_int_equal(tok_special(t, "<|none|>"), -1);
    tok_decode(t, (const int32_t[]){'A', 298, 'B', 299, -1, 300}, 6, false, &out);
    assert_string_equal(out.s, "AB");
    buf_clear(&out);
    tok_decode(t, (const int32_t[]){'A', 298}, 2, true, &out);
    assert_string_equal(out.s, "A<|end|>");
    buf_free(&out);
    tok_free(t);
}

/* A slow twin: recount every pair before each merge. */
static void merges_equal_those_of_a_naive_trainer(void **state)
{
    (void)state;
    enum { WORDS = 5, MERGES = 12 };
    static const char *const words[WORDS] = {"abab", "aaaa", "abcab", "bcbc", "aab"};
    static const int counts[WORDS] = {5, 4, 7, 6, 3};
    struct str texts[64];
    int n = 0, sym[WORDS][8], len[WORDS], left = 0, right = 0;
    char name[256 + MERGES][16] = {{0}};
    for (int w = 0; w < WORDS; w++) {
        len[w] = (int)strlen(words[w]);
        for (int k = 0; k < counts[w]; k++)
            texts[n++] = str_of(words[w]);
        for (int i = 0; i < len[w]; i++)
            sym[w][i] = words[w][i];
    }
    for (int b = 0; b < 256; b++)
        name[b][0] = (char)b;
    struct tokenizer *t;
    assert_int_equal(tok_train(texts, n, 256 + MERGES, "[a-z]+", NULL, 0, &t, NULL), 0);
    int done = 0;
    for (; done < MERGES; done++) {
        int best = 1;
        for (int a = 0; a < 256 + done; a++)
            for (int b = 0; b < 256 + done; b++) {
                int total = 0;
                for (int w = 0; w < WORDS; w++)
                    for (int i = 0; i + 1 < len[w]; i++)
                        total += counts[w] * (sym[w][i] == a && sym[w][i + 1] == b);
                int order = total == best ? strcmp(name[a], name[left]) : 0;
                order = order ? order : total == best ? strcmp(name[b], name[right]) : 0;
                if (total > best || (total == best && best > 1 && order < 0))
                    best = total, left = a, right = b;
            }
        if (best < 2)
            break;
        memccpy(name[256 + done], name[left], 0, 8);
        strncat(name[256 + done], name[right], 7);
        assert_true(done < t->n_merges);
        assert_int_equal(t->merges[done].left, left);
        assert_int_equal(t->merges[done].right, right);
        assert_int_equal(t->merges[done].result, 256 + done);
        for (int w = 0; w < WORDS; w++) {
            int m = 0;
            for (int i = 0; i < len[w]; i++) {
                bool hit = i + 1 < len[w] && sym[w][i] == left && sym[w][i + 1] == right;
                sym[w][m++] = hit ? 256 + done : sym[w][i];
                i += hit;
            }
            len[w] = m;
        }
    }
    assert_int_equal(t->n_merges, done);
    tok_free(t);
}

static void any_bytes_come_back(void **state)
{
    (void)state;
    struct tokenizer *t = train(400);
    struct rng rng = rng_make(1, 1);
    char bytes[600];
    for (int round = 0; round < 2000; round++) {
        size_t n = rng_below(&rng, sizeof bytes);
        for (size_t i = 0; i < n; i++)
            bytes[i] =
                round % 3 ? (char)rng_below(&rng, 256) : " \n<a/>`9\xc3\xa9"[rng_below(&rng, 10)];
        assert_identity(t, str_make(bytes, n));
    }
    assert_identity(t, STR(""));
    assert_identity(t,
                    STR("\xff\xfe caf\xc3\xa9 \xe2\x82\xac\xe2\x82 \xed\xa0\x80\xf0\x9f\x98\x80"));
    tok_free(t);
}

static void specials_only_when_allowed(void **state)
{
    (void)state;
    struct tokenizer *t = train(300);
    struct ids ids = {0};
    tok_encode(t, STR("<|end|>"), false, &ids);
    assert_true(ids.n > 1);
    ids.n = 0;
    tok_encode(t, STR("x<|end|><|pad|>"), true, &ids);
    assert_int_equal(ids.n, 3);
    assert_int_equal(ids.v[1], 298);
    assert_int_equal(ids.v[2], 299);
    free(ids.v);
    tok_free(t);
}

static void code_is_cut_where_it_should_be(void **state)
{
    (void)state;
    struct tokenizer *t = train(640);
    struct ids ids = {0};
    struct buf piece = {0};
    tok_encode(t, STR("</think>\n<answer>\n```python\ndef solve(xs):\n    xs = 42"), false, &ids);
    tok_decode(t, ids.v, 1, false, &piece);
    assert_string_equal(piece.s, "</think>");
    buf_clear(&piece);
    tok_decode(t, ids.v + ids.n - 1, 1, false, &piece); /* digits one by one */
    assert_string_equal(piece.s, "2");
    buf_free(&piece);
    free(ids.v);
    tok_free(t);
}

/* 30 000 generated texts, about 10 MB. */
static void training_is_fast(void **state)
{
    (void)state;
    enum { TEXT_COUNT = 30000, TEXT_BYTES = 330 };
    struct str *texts = xcalloc(TEXT_COUNT, sizeof *texts);
    struct rng rng = rng_make(7, 0);
    struct buf all = {0};
    static const char *const words[] = {"list", "number", "value",   "def",   "return", "for",
                                        "in",   "sorted", "reverse", "drops", "keeps",  "the"};
    buf_reserve(&all, TEXT_COUNT * TEXT_BYTES);
    for (int i = 0; i < TEXT_COUNT; i++) {
        size_t start = all.len;
        while (all.len - start < TEXT_BYTES - 16)
            buf_printf(&all, "%s%c%d ", words[rng_below(&rng, COUNT_OF(words))],
                       'a' + (int)rng_below(&rng, 26), (int)rng_below(&rng, 100));
        texts[i].len = all.len - start;
    }
    for (size_t i = 0, at = 0; i < TEXT_COUNT; at += texts[i++].len)
        texts[i].s = all.s + at;
    struct tokenizer *t, *again;
    int64_t started = cpu_ns();
    assert_int_equal(tok_train(texts, TEXT_COUNT, 2048, NULL, SPECIALS, 2, &t, NULL), 0);
    double seconds = (double)(cpu_ns() - started) / 1e9;
    print_message("# trained on %.1f MB in %.2f s of CPU\n", (double)all.len / 1e6, seconds);
    assert_true(seconds < 20);
    assert_int_equal(tok_train(texts, TEXT_COUNT / 10, 1000, NULL, SPECIALS, 2, &again, NULL), 0);
    tok_free(again);
    tok_free(t);
    buf_free(&all);
    free(texts);
}

/* A piece of 200 000 equal letters must not take quadratic time. */
static void one_huge_piece(void **state)
{
    (void)state;
    struct tokenizer *t = train(640);
    size_t n = 200000;
    char *text = xcalloc(n, 1);
    memset(text, 'e', n);
    int64_t started = cpu_ns();
    assert_identity(t, str_make(text, n));
    assert_true(cpu_ns() - started < 5 * (int64_t)NS_PER_S);
    memset(text, ' ', n);
    assert_identity(t, str_make(text, n));
    free(text);
    tok_free(t);
}

static void saved_and_loaded_is_the_same(void **state)
{
    (void)state;
    char dir[] = "/tmp/assay-bpe-XXXXXX", path[PATH_MAX];
    struct tokenizer *t = train(420), *back;
    struct err err = {0};
    struct ids a = {0}, b = {0};
    struct buf first = {0}, second = {0};
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/tokenizer.json", dir);
    assert_int_equal(tok_save(t, dir, &err), 0);
    assert_int_equal(file_read(path, 1 << 20, &first, &err), 0);
    if (tok_load(dir, &back, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(tok_vocab(back), tok_vocab(t));
    for (size_t i = 0; i < COUNT_OF(TEXTS); i++) {
        tok_encode(t, str_of(TEXTS[i]), true, &a);
        tok_encode(back, str_of(TEXTS[i]), true, &b);
    }
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.v, b.v, (size_t)a.n * sizeof *a.v);
    assert_int_equal(tok_save(back, dir, &err), 0);
    assert_int_equal(file_read(path, 1 << 20, &second, &err), 0);
    assert_true(str_eq(buf_view(&first), buf_view(&second)));
    tok_free(t);
    unlink(path);
    snprintf(path, sizeof path, "%s/tokenizer_config.json", dir);
    unlink(path);
    assert_int_equal(tok_load(dir, &t, &err), -ENOENT);
    assert_non_null(strstr(err.text, "tokenizer.json"));
    rmdir(dir);
    free(a.v);
    free(b.v);
    buf_free(&first);
    buf_free(&second);
    tok_free(back);
}

struct thread_case {
    const struct tokenizer *t;
    bool same;
};

static void *encode_often(void *ctx)
{
    struct thread_case *c = ctx;
    struct ids once = {0}, again = {0};
    c->same = true;
    tok_encode(c->t, str_of(TEXTS[0]), true, &once);
    for (int i = 0; i < 500; i++) {
        again.n = 0;
        tok_encode(c->t, str_of(TEXTS[0]), true, &again);
        c->same &=
            again.n == once.n && memcmp(again.v, once.v, (size_t)once.n * sizeof *once.v) == 0;
    }
    free(once.v);
    free(again.v);
    return NULL;
}

static void threads_share_one_tokenizer(void **state)
{
    (void)state;
    struct tokenizer *t = train(400);
    struct thread_case c[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        c[i].t = t;
        assert_int_equal(pthread_create(&threads[i], NULL, encode_often, &c[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_true(c[i].same);
    }
    tok_free(t);
}

/* A good file with one fragment replaced. */
static void files_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *message;
    } rows[] = {
        {"\"BPE\"", "\"Unigram\"", "model of type `Unigram`"},
        {"\"dropout\": null", "\"dropout\": 0.1", "`dropout`"},
        {"\"byte_fallback\": false", "\"byte_fallback\": true", "`byte_fallback`"},
        {"\"normalizer\": null", "\"normalizer\": {\"type\": \"Lowercase\"}",
         "normalizer of type `Lowercase`"},
        {"\"Isolated\"", "\"Removed\"", "`Isolated`"},
        {"\"add_prefix_space\": false", "\"add_prefix_space\": true", "`add_prefix_space`"},
        {"\"version\"", "\"vresion\"", "unknown key `vresion` (did you mean `version`?)"},
        {"\"A\": 65", "\"A\": 66", "id 66"},
        {"\"A\": 65,", "", "byte 0x41"},
        {"\"single_word\": false", "\"single_word\": true", "`single_word`"},
        {"\"id\": 298", "\"id\": -1", "out of range"},
        {"\"id\": 299", "\"id\": 298", "is taken"},
        {"\"merges\": [", "\"merges\": [\"A zz\", ", "merges[0]"},
        {"\"merges\": [", "\"merges\": [[\"A\", \"B\"], ", "merges[0]"},
    };
    char dir[] = "/tmp/assay-bpe-XXXXXX", path[PATH_MAX];
    struct tokenizer *t = train(300);
    struct buf good = {0};
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/tokenizer.json", dir);
    assert_int_equal(tok_save(t, dir, NULL), 0);
    tok_free(t);
    assert_int_equal(file_read(path, 1 << 20, &good, NULL), 0);
    unlink(path);
    snprintf(path, sizeof path, "%s/tokenizer_config.json", dir);
    unlink(path);
    rmdir(dir);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = {0};
        struct buf bad = {0};
        ptrdiff_t at = str_find(buf_view(&good), str_of(rows[i].from), 0);
        assert_true(at >= 0);
        buf_add(&bad, good.s, (size_t)at);
        buf_puts(&bad, rows[i].to);
        buf_puts(&bad, good.s + at + strlen(rows[i].from));
        t = NULL;
        if (tok__parse("x.json", buf_view(&bad), &t, &err) == 0)
            fail_msg("row %zu was accepted", i);
        if (strncmp(err.text, "x.json", 6) != 0 || !strstr(err.text, rows[i].message))
            fail_msg("row %zu says: %s", i, err.text);
        buf_free(&bad);
    }
    buf_free(&good);
}

/* The split of Llama 3's tokenizer.json. */
static const char LLAMA3[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
    "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

static void add_piece(void *ctx, struct str piece)
{
    buf_str(ctx, piece);
    buf_char(ctx, '|');
}

/* Contractions in any case, digits by threes, line ends with what stands before them. */
static void llama3_cuts_as_it_should(void **state)
{
    (void)state;
    struct tok_pre *pre;
    struct buf pieces = {0};
    assert_int_equal(tok__pre_new(LLAMA3, &pre, NULL), 0);
    tok__pre_split(pre, STR("I'M 12345 caf\xc3\xa9\n\n  x == 10;\r\n\t(y)"), add_piece, &pieces);
    assert_string_equal(pieces.s, "I|'M| |123|45| caf\xc3\xa9|\n\n| | x| ==| |10|;\r\n|\t|(y|)|");
    buf_free(&pieces);
    tok__pre_free(pre);
}

static struct tokenizer *edited(const struct buf *good, const char *from, const char *to)
{
    struct tokenizer *t = NULL;
    struct buf text = {0};
    struct err err = {0};
    ptrdiff_t at = str_find(buf_view(good), str_of(from), 0);
    assert_true(at >= 0);
    buf_add(&text, good->s, (size_t)at);
    buf_puts(&text, to);
    buf_puts(&text, good->s + at + strlen(from));
    if (tok__parse("x.json", buf_view(&text), &t, &err) < 0)
        fail_msg("%s", err.text);
    buf_free(&text);
    return t;
}

static int ids_of(const struct tokenizer *t, const char *text, struct buf *back)
{
    struct ids ids = {0};
    const int before = (int)back->len;
    tok_encode(t, str_of(text), true, &ids);
    tok_decode(t, ids.v, ids.n, true, back);
    const int n = ids.n;
    free(ids.v);
    assert_true((int)back->len > before);
    return n;
}

/* A token that no merge makes is found as a whole piece only with ignore_merges, as in Llama 3; with
 * NFC a letter and its accent become one character, as in Qwen. What was read is written back byte
 * for byte, keys that nothing here uses included. */
static void switches_of_published_files(void **state)
{
    (void)state;
    char dir[] = "/tmp/assay-bpe-XXXXXX", path[PATH_MAX], config[PATH_MAX];
    struct tokenizer *t = train(300), *plain, *whole, *nfc;
    struct buf good = {0}, back = {0}, again = {0};
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/tokenizer.json", dir);
    snprintf(config, sizeof config, "%s/tokenizer_config.json", dir);
    assert_int_equal(tok_save(t, dir, NULL), 0);
    assert_int_equal(file_read(path, 1 << 20, &good, NULL), 0);
    plain = edited(&good, "\"vocab\": {", "\"vocab\": {\"qqxyzzy\": 300,");
    whole = edited(&good, "\"ignore_merges\": false,\n    \"vocab\": {",
                   "\"ignore_merges\": true, \"vocab\": {\"qqxyzzy\": 300,");
    nfc = edited(&good, "\"normalizer\": null", "\"normalizer\": {\"type\": \"NFC\"}");
    assert_true(ids_of(plain, "qqxyzzy", &back) > 1);
    assert_int_equal(ids_of(whole, "qqxyzzy", &back), 1);
    buf_clear(&back);
    ids_of(nfc, "e\xcc\x81", &back);
    assert_string_equal(back.s, "\xc3\xa9");
    tok_free(t);
    static const char odd[] = "{ \"eos_token\":\"<|end|>\",\n\"x\": 1.50,  \"y\": \"\\u00e9/\" }";
    assert_int_equal(file_replace(config, STR(odd), NULL), 0);
    buf_puts(&good, "\n  \n");
    assert_int_equal(file_replace(path, buf_view(&good), NULL), 0);
    assert_int_equal(tok_load(dir, &t, NULL), 0);
    unlink(path);
    unlink(config);
    assert_int_equal(tok_save(t, dir, NULL), 0);
    assert_int_equal(file_read(path, 1 << 20, &again, NULL), 0);
    assert_true(str_eq(buf_view(&again), buf_view(&good)));
    buf_clear(&again);
    assert_int_equal(file_read(config, 1 << 20, &again, NULL), 0);
    assert_string_equal(again.s, odd);
    unlink(path);
    unlink(config);
    rmdir(dir);
    buf_free(&good);
    buf_free(&back);
    buf_free(&again);
    tok_free(t);
    tok_free(plain);
    tok_free(whole);
    tok_free(nfc);
}

/* In a file of its own, or in tokenizer_config.json, there also as one of several. */
static void chat_templates_are_found(void **state)
{
    (void)state;
    char dir[] = "/tmp/assay-bpe-XXXXXX", config[PATH_MAX], jinja[PATH_MAX];
    static const char several[] = "{\"chat_template\": [{\"name\": \"tool\", \"template\": \"t\"},"
                                  "{\"name\": \"default\", \"template\": \"d\"}]}";
    struct tokenizer *t = train(300);
    struct buf again = {0};
    assert_non_null(mkdtemp(dir));
    snprintf(config, sizeof config, "%s/tokenizer_config.json", dir);
    snprintf(jinja, sizeof jinja, "%s/chat_template.jinja", dir);
    assert_int_equal(tok_save(t, dir, NULL), 0);
    assert_null(tok_chat_template(t));
    assert_int_not_equal(access(jinja, F_OK), 0);
    tok_free(t);
    assert_int_equal(file_replace(config, STR(several), NULL), 0);
    assert_int_equal(tok_load(dir, &t, NULL), 0);
    assert_string_equal(tok_chat_template(t), "d");
    tok_free(t);
    assert_int_equal(file_replace(jinja, STR("{{ j }}\n"), NULL), 0);
    assert_int_equal(tok_load(dir, &t, NULL), 0);
    assert_string_equal(tok_chat_template(t), "{{ j }}\n");
    unlink(jinja);
    assert_int_equal(tok_save(t, dir, NULL), 0);
    assert_int_equal(file_read(jinja, 1 << 20, &again, NULL), 0);
    assert_string_equal(again.s, "{{ j }}\n");
    buf_free(&again);
    tok_free(t);
    assert_int_equal(folder_remove(dir), 0);
}

static void too_small_a_vocabulary_is_refused(void **state)
{
    (void)state;
    struct tokenizer *t;
    struct err err = {0};
    struct str text = STR("abc");
    assert_int_equal(tok_train(&text, 1, 257, NULL, SPECIALS, 2, &t, &err), -EINVAL);
    assert_int_equal(tok_train(&text, 1, 300, "(", SPECIALS, 2, &t, &err), -EINVAL);
    assert_non_null(strstr(err.text, "pattern"));
    assert_int_equal(tok_train(&text, 1, 300, NULL, (const char *[]){"<e>", "<e>"}, 2, &t, &err),
                     -EINVAL);
}

static void utf8_is_cleaned(void **state)
{
    (void)state;
    struct buf out = {0};
    utf8_clean(STR("a\xff\xc3\xa9\xed\xa0\x80z\xe2\x82"), &out);
    assert_string_equal(
        out.s,
        "a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd");
    buf_free(&out);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_then_merges_then_specials),
        cmocka_unit_test(merges_equal_those_of_a_naive_trainer),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(specials_only_when_allowed),
        cmocka_unit_test(code_is_cut_where_it_should_be),
        cmocka_unit_test(training_is_fast),
        cmocka_unit_test(one_huge_piece),
        cmocka_unit_test(saved_and_loaded_is_the_same),
        cmocka_unit_test(threads_share_one_tokenizer),
        cmocka_unit_test(files_are_read_strictly),
        cmocka_unit_test(llama3_cuts_as_it_should),
        cmocka_unit_test(switches_of_published_files),
        cmocka_unit_test(chat_templates_are_found),
        cmocka_unit_test(too_small_a_vocabulary_is_refused),
        cmocka_unit_test(utf8_is_cleaned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
