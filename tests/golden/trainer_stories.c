/* A real model: llama2.c's stories260K, brought over by tools/import_llama2c.py, against logits,
 * likelihoods and greedy texts that a double-precision pass of the original gave. Skipped where the
 * public data is not at hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/check.h"
#include "tests/unit/folder.h"
#include "trainer/kernels/team.h"
#include "trainer/model/model.h"
#include "trainer/text/tokenizer.h"

#define DATA "../shared/data/models"
enum { GREEDY = 40, TOKENS_MAX = 64 };

static char folder[] = "/tmp/assay-stories-XXXXXX";

struct story {
    struct model m;
    struct tokenizer *tok;
    json_t *golden; /* array of records */
};

static int open_story(void **state)
{
    static struct story s;
    char line[1 << 16], command[256];
    struct err err;
    FILE *f = fopen(DATA "/stories260K_golden.jsonl", "re");
    *state = NULL;
    if (!f)
        return 0;
    s.golden = json_array();
    while (fgets(line, sizeof line, f))
        json_array_append_new(s.golden, json_loads(line, 0, NULL));
    fclose(f);
    snprintf(command, sizeof command,
             "python3 tools/import_llama2c.py " DATA "/stories260K.bin " DATA "/tok512.bin %s",
             mkdtemp(folder));
    if (system(command) != 0)
        return -1;
    if (model_load(folder, &s.m, &err) < 0 || tok_load(folder, &s.tok, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    *state = &s;
    return 0;
}

static int close_story(void **state)
{
    struct story *s = *state;
    if (!s)
        return 0;
    json_decref(s->golden);
    tok_free(s->tok);
    model_free(&s->m);
    return folder_remove(folder);
}

static int read_ids(const json_t *list, int32_t *ids)
{
    size_t i;
    const json_t *v;
    CHECK(json_array_size(list) <= TOKENS_MAX);
    json_array_foreach (list, i, v)
        ids[i] = (int32_t)json_integer_value(v);
    return (int)json_array_size(list);
}

static void logits_and_likelihoods(void **state)
{
    const struct story *s = *state;
    const json_t *g, *x;
    size_t at, k;
    if (!s)
        skip();
    struct model_run *run = model_run_new(&s->m);
    float *logits = xcalloc((size_t)TOKENS_MAX * (size_t)s->m.cfg.vocab, sizeof *logits);
    json_array_foreach (s->golden, at, g) {
        int32_t ids[TOKENS_MAX], target[TOKENS_MAX];
        int row[TOKENS_MAX], n = read_ids(json_object_get(g, "ids"), ids), start[2] = {0, n};
        float logp[TOKENS_MAX];
        for (int i = 0; i < n; i++) {
            row[i] = i;
            target[i] = i + 1 < n ? ids[i + 1] : 0;
        }
        const struct model_batch b = {1, n, n, start, ids, row, target, NULL};
        model_logits(run, &s->m, &b, logits);
        const float *last = logits + (size_t)(n - 1) * (size_t)s->m.cfg.vocab;
        json_array_foreach (json_object_get(g, "last_logits_first16"), k, x)
            assert_float_equal(last[k], json_real_value(x), 1e-4);
        int best = 0;
        for (int v = 1; v < s->m.cfg.vocab; v++)
            best = last[v] > last[best] ? v : best;
        assert_int_equal(best, json_integer_value(json_object_get(g, "last_argmax")));
        model_forward(run, &s->m, &b, 1, logp, NULL);
        json_array_foreach (json_object_get(g, "token_nll"), k, x)
            assert_float_equal(-logp[k], json_real_value(x), 1e-4);
    }
    free(logits);
    model_run_free(run);
}

struct kept {
    int32_t tokens[TOKENS_MAX];
    int n;
};

static void keep(void *ctx, int prompt, int k, const struct completion *c)
{
    struct kept *kept = (struct kept *)ctx + prompt;
    assert_int_equal(k, 0);
    kept->n = c->n_tokens;
    memcpy(kept->tokens, c->tokens, (size_t)c->n_tokens * sizeof *c->tokens);
}

static void greedy_texts(void **state)
{
    const struct story *s = *state;
    const json_t *g;
    size_t at;
    if (!s)
        skip();
    struct team *team = team_start(1);
    const int n = (int)json_array_size(s->golden);
    int32_t(*ids)[TOKENS_MAX] = xcalloc((size_t)n, sizeof *ids);
    struct sample_prompt *prompts = xcalloc((size_t)n, sizeof *prompts);
    struct kept *kept = xcalloc((size_t)n, sizeof *kept);
    struct err err;
    const struct sample_options opt = {
        .temperature = 0, .top_p = 1, .max_new = GREEDY, .rows_max = 8};
    json_array_foreach (s->golden, at, g)
        prompts[at] =
            (struct sample_prompt){ids[at], read_ids(json_object_get(g, "ids"), ids[at]), 0};
    assert_int_equal(sample_run(&s->m, team, &opt, prompts, n, 1, keep, kept, NULL, &err), 0);
    json_array_foreach (s->golden, at, g) {
        int32_t wanted[TOKENS_MAX];
        int wants = read_ids(json_object_get(g, "greedy_40"), wanted);
        assert_int_equal(kept[at].n, wants);
        assert_memory_equal(kept[at].tokens, wanted, (size_t)wants * sizeof *wanted);
    }
    free(ids);
    free(prompts);
    free(kept);
    team_stop(team);
}

/* Where llama2.c puts a space before a text, the imported tokenizer wants it written. */
static void texts_have_the_same_ids(void **state)
{
    const struct story *s = *state;
    const json_t *g;
    size_t at;
    if (!s)
        skip();
    json_array_foreach (s->golden, at, g) {
        int32_t wanted[TOKENS_MAX];
        struct ids got = {0};
        struct buf text = {0}, back = {0};
        int n = read_ids(json_object_get(g, "ids"), wanted);
        const char *words = json_string_value(json_object_get(g, "text"));
        if (*words)
            buf_printf(&text, " %s", words);
        tok_encode(s->tok, buf_view(&text), false, &got);
        assert_int_equal(got.n, n - 1);
        assert_memory_equal(got.v, wanted + 1, (size_t)got.n * sizeof *wanted);
        tok_decode(s->tok, got.v, got.n, false, &back);
        assert_true(str_eq(buf_view(&back), buf_view(&text)));
        free(got.v);
        buf_free(&text);
        buf_free(&back);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_and_likelihoods),
        cmocka_unit_test(greedy_texts),
        cmocka_unit_test(texts_have_the_same_ids),
    };
    return cmocka_run_group_tests(tests, open_story, close_story);
}
