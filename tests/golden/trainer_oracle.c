/* Every architecture against PyTorch: folders of random models with the logits and gradients that
 * oracle.py computed for them. Skipped where the system's Python has no torch. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "tests/unit/folder.h"
#include "trainer/model/model.h"
#include "trainer/model/safetensors.h"

static char folder[] = "/tmp/assay-oracle-XXXXXX";

static int make_models(void **state)
{
    char command[256];
    if (!mkdtemp(folder))
        return -1;
    *state = NULL;
    if (system("/usr/bin/python3 -c 'import torch' 2>/dev/null") != 0)
        return 0;
    snprintf(command, sizeof command, "/usr/bin/python3 tests/golden/oracle.py %s", folder);
    *state = folder;
    return system(command) ? -1 : 0;
}

static int remove_models(void **state)
{
    (void)state;
    return folder_remove(folder);
}

static float *values(const struct safetensors *st, const char *name, size_t *ret_n)
{
    const struct st_tensor *t = st_find(st, name);
    if (!t)
        fail_msg("no tensor %s", name);
    float *v = xcalloc(t->count, sizeof *v);
    assert_int_equal(st_read_f32(t, v), 0);
    if (ret_n)
        *ret_n = t->count;
    return v;
}

static void near(const char *name, const float *got, const float *want, size_t n)
{
    double square = 0, worst = 0;
    for (size_t i = 0; i < n; i++)
        square += (double)want[i] * (double)want[i];
    double typical = sqrt(square / (double)n);
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, fabs((double)got[i] - (double)want[i]) /
                                (fabs((double)want[i]) + typical + 1e-30));
    if (worst > 1e-4)
        fail_msg("%s: relative error %g", name, worst);
}

/* The gradient of `t`, as its file has it. */
static void check_gradient(const struct model_tensor *t, const float *grads,
                           const struct safetensors *st)
{
    char name[128];
    size_t n;
    snprintf(name, sizeof name, "grad.%s", t->name);
    float *want = values(st, name, &n), *got = xcalloc(n, sizeof *got);
    const int cols = t->cols ? t->cols : 1;
    for (int r = 0; r < t->rows; r++)
        for (int c = 0; c < cols; c++)
            got[t->transposed ? c * t->rows + r : r * cols + c] =
                grads[t->offset + (size_t)(r * cols + c)];
    near(name, got, want, n);
    free(want);
    free(got);
}

static void check_model(const char *name)
{
    char dir[128], path[160];
    struct model m;
    struct safetensors st;
    struct err err = {0};
    size_t n, n_start;
    snprintf(dir, sizeof dir, "%s/%s", folder, name);
    snprintf(path, sizeof path, "%s/expect.safetensors", dir);
    if (model_load(dir, &m, &err) < 0 || st_open(path, &st, &err) < 0)
        fail_msg("%s", err.text);
    float *tokens = values(&st, "tokens", &n), *starts = values(&st, "start", &n_start),
          *wanted = values(&st, "logits", NULL);
    int32_t *ids = xcalloc(n, sizeof *ids), *target = xcalloc(n, sizeof *target);
    int *row = xcalloc(n, sizeof *row), *start = xcalloc(n_start, sizeof *start);
    float *dlogp = xcalloc(n, sizeof *dlogp), *logp = xcalloc(n, sizeof *logp),
          *logits = xcalloc(n * (size_t)m.cfg.vocab, sizeof *logits),
          *grads = xcalloc(m.n_params, sizeof *grads);
    for (size_t s = 0; s < n_start; s++)
        start[s] = (int)starts[s];
    for (size_t i = 0; i < n; i++) {
        ids[i] = (int32_t)tokens[i];
        row[i] = (int)i;
        dlogp[i] = (float)sin((double)i);
    }
    for (size_t s = 0; s + 1 < n_start; s++)
        for (int i = start[s]; i < start[s + 1]; i++)
            target[i] = ids[i + 1 < start[s + 1] ? i + 1 : start[s]];
    const struct model_batch b = {.n_seq = (int)n_start - 1,
                                  .n_tokens = (int)n,
                                  .n_rows = (int)n,
                                  .start = start,
                                  .tokens = ids,
                                  .row = row,
                                  .target = target};
    struct model_run *run = model_run_new(&m);
    model_logits(run, &m, &b, logits);
    near("logits", logits, wanted, n * (size_t)m.cfg.vocab);
    model_forward(run, &m, &b, 1, logp, NULL);
    model_backward(run, &m, &b, dlogp, grads);
    for (int i = 0; i < m.n_tensors; i++)
        check_gradient(&m.tensors[i], grads, &st);
    free(tokens), free(starts), free(wanted), free(ids), free(target), free(row), free(start),
        free(dlogp), free(logp), free(logits), free(grads);
    model_run_free(run);
    st_close(&st);
    model_free(&m);
}

#define MODEL_TEST(id, name)                                                                       \
    static void id(void **state)                                                                   \
    {                                                                                              \
        if (!*state)                                                                               \
            skip();                                                                                \
        check_model(name);                                                                         \
    }
MODEL_TEST(llama, "llama")
MODEL_TEST(llama3_scaled, "llama3-scaled")
MODEL_TEST(qwen2, "qwen2")
MODEL_TEST(qwen3, "qwen3")
MODEL_TEST(gpt2, "gpt2")

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(llama), cmocka_unit_test(llama3_scaled), cmocka_unit_test(qwen2),
        cmocka_unit_test(qwen3), cmocka_unit_test(gpt2),
    };
    return cmocka_run_group_tests(tests, make_models, remove_models);
}
