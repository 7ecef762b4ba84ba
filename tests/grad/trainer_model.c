/* The whole model against its double-precision twin: values, gradients by central differences, and
 * the ways a batch may be packed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "trainer/kernels/team.h"
#include "trainer/model/lora.h"
#include "trainer/model/model.h"
#include "trainer/model/reference.h"

enum { TOKENS_MAX = 4096, ROWS_MAX = 4096, SEQS_MAX = 64 };

/* A batch with room of its own. */
struct made {
    struct model_batch b;
    int start[SEQS_MAX + 1], row[ROWS_MAX], parent[SEQS_MAX];
    int32_t tokens[TOKENS_MAX], target[ROWS_MAX];
    float dlogp[ROWS_MAX], logp[ROWS_MAX], entropy[ROWS_MAX];
};

static struct made *made_new(void)
{
    struct made *a = xcalloc(1, sizeof *a);
    a->b = (struct model_batch){
        .start = a->start, .tokens = a->tokens, .row = a->row, .target = a->target};
    return a;
}

/* Appends one sequence; its rows from `scored` on are scored with the token that follows, the last
 * one with `last`. */
static void made_add(struct made *a, const int32_t *tokens, int n, int scored, int32_t last,
                     const float *dlogp)
{
    struct model_batch *b = &a->b;
    int from = b->n_tokens;
    CHECK(from + n <= TOKENS_MAX && b->n_seq < SEQS_MAX);
    memcpy(a->tokens + from, tokens, (size_t)n * sizeof *tokens);
    for (int i = scored; i < n; i++) {
        a->row[b->n_rows] = from + i;
        a->target[b->n_rows] = i + 1 < n ? tokens[i + 1] : last;
        a->dlogp[b->n_rows++] = dlogp[i];
    }
    b->n_tokens += n;
    a->start[++b->n_seq] = b->n_tokens;
    a->parent[b->n_seq - 1] = -1;
}

static struct model random_model(struct model_config cfg, uint64_t seed, float scale)
{
    struct model m;
    struct err err;
    if (model_create(&cfg, seed, &m, &err) != 0)
        fail_msg("%s", err.text);
    struct rng rng = rng_make(seed, 99);
    for (size_t i = 0; i < m.n_params; i++)
        m.params[i] += scale * (float)rng_normal(&rng);
    return m;
}

static const struct model_config tiny = {.vocab = 13,
                                         .layers = 2,
                                         .width = 20,
                                         .heads = 4,
                                         .kv_heads = 2,
                                         .head_dim = 6,
                                         .ff = 22,
                                         .max_positions = 64,
                                         .rope_theta = 100,
                                         .norm_eps = 1e-5f,
                                         .tied = true,
                                         .bos_id = -1,
                                         .eos_id = 0,
                                         .pad_id = -1};
static const struct model_config wide = {.vocab = 37,
                                         .layers = 3,
                                         .width = 48,
                                         .heads = 4,
                                         .kv_heads = 4,
                                         .head_dim = 32,
                                         .ff = 40,
                                         .max_positions = 256,
                                         .rope_theta = 10000,
                                         .norm_eps = 1e-6f,
                                         .tied = false,
                                         .bos_id = -1,
                                         .eos_id = 0,
                                         .pad_id = -1};

/* Random sequences of the given lengths, the first third of each unscored. */
static struct made *random_batch(const struct model_config *c, uint64_t seed, const int *lengths,
                                 int n)
{
    struct made *a = made_new();
    struct rng rng = rng_make(seed, 7);
    for (int s = 0; s < n; s++) {
        int32_t tokens[512];
        float dlogp[512];
        for (int i = 0; i < lengths[s]; i++) {
            tokens[i] = (int32_t)rng_below(&rng, (uint64_t)c->vocab);
            dlogp[i] = (float)rng_normal(&rng);
        }
        made_add(a, tokens, lengths[s], lengths[s] / 3,
                 (int32_t)rng_below(&rng, (uint64_t)c->vocab), dlogp);
    }
    return a;
}

static double twin_loss(const struct model *m, const double *params, const struct made *a,
                        double temperature, double *logp, double *entropy)
{
    double sum = 0;
    ref_model(m, params, &a->b, temperature, logp, entropy);
    for (int r = 0; r < a->b.n_rows; r++)
        sum += (double)a->dlogp[r] * logp[r];
    return sum;
}

/* Up to `probes` elements of every tensor are moved by +-h in the twin. */
static void check_against_twin(struct model *m, struct made *a, float temperature, int probes)
{
    struct model_run *run = model_run_new(m);
    float *grads = xcalloc(m->n_params, sizeof *grads);
    double *params = xcalloc(m->n_params, sizeof *params), *logp = xcalloc(ROWS_MAX, sizeof *logp),
           *entropy = xcalloc(ROWS_MAX, sizeof *entropy);
    struct rng rng = rng_make(5, 5);
    for (size_t i = 0; i < m->n_params; i++)
        params[i] = (double)m->params[i];
    model_forward(run, m, &a->b, temperature, a->logp, a->entropy);
    model_backward(run, m, &a->b, a->dlogp, grads);
    twin_loss(m, params, a, temperature, logp, entropy);
    for (int r = 0; r < a->b.n_rows; r++) {
        assert_true(fabs(logp[r] - a->logp[r]) < 2e-5 * (1 + fabs(logp[r])));
        assert_true(fabs(entropy[r] - a->entropy[r]) < 2e-5);
    }
    for (int t = 0; t < m->n_tensors; t++) {
        const struct model_tensor *tensor = &m->tensors[t];
        const int size = tensor->rows * (tensor->cols ? tensor->cols : 1),
                  n = size < probes ? size : probes;
        double square = 0, worst = 0;
        for (int i = 0; i < size; i++)
            square += (double)grads[tensor->offset + i] * (double)grads[tensor->offset + i];
        for (int i = 0; i < n; i++) {
            size_t at =
                tensor->offset + (n == size ? (uint64_t)i : rng_below(&rng, (uint64_t)size));
            const double h = 1e-5, keep = params[at];
            params[at] = keep + h;
            double up = twin_loss(m, params, a, temperature, logp, NULL);
            params[at] = keep - h;
            double down = twin_loss(m, params, a, temperature, logp, NULL);
            params[at] = keep;
            double slope = (up - down) / (2 * h), typical = sqrt(square / size);
            worst = fmax(worst, fabs(slope - (double)grads[at]) / (fabs(slope) + typical + 1e-12));
        }
        if (worst > 1e-4)
            fail_msg("%s: relative error %g", tensor->name, worst);
    }
    free(grads);
    free(params);
    free(logp);
    free(entropy);
    model_run_free(run);
}

static void test_gradients_tiny(void **state)
{
    (void)state;
    const int lengths[] = {1, 9, 17, 4};
    struct model m = random_model(tiny, 1, 0.3f);
    struct made *a = random_batch(&tiny, 2, lengths, 4);
    check_against_twin(&m, a, 1.0f, 60);
    check_against_twin(&m, a, 0.7f, 10);
    free(a);
    model_free(&m);
}

static void test_gradients_wide(void **state)
{
    (void)state;
    const int lengths[] = {50, 13};
    struct model m = random_model(wide, 3, 0.1f);
    struct made *a = random_batch(&wide, 4, lengths, 2);
    check_against_twin(&m, a, 1.3f, 3);
    free(a);
    model_free(&m);
}

static void test_one_layer(void **state)
{
    (void)state;
    struct model_config cfg = tiny;
    cfg.layers = 1;
    const int lengths[] = {11, 5};
    struct model m = random_model(cfg, 5, 0.3f);
    struct made *a = random_batch(&cfg, 6, lengths, 2);
    check_against_twin(&m, a, 1, 40);
    free(a);
    model_free(&m);
}

/* Biases, norms of heads, LayerNorm, GELU, learned and scaled positions: each architecture. */
static void test_gradients_of_every_family(void **state)
{
    (void)state;
    const int lengths[] = {9, 17, 4};
    struct model_config c[5] = {tiny, tiny, tiny, tiny, tiny};
    c[0].family = MODEL_QWEN2;
    c[1].family = MODEL_QWEN3;
    c[1].tied = false;
    c[2].family = MODEL_GPT2;
    c[2].heads = c[2].kv_heads = 2;
    c[2].head_dim = 10;
    c[3].rope = (struct rope_scaling){.kind = ROPE_LLAMA3,
                                      .factor = 8,
                                      .low_factor = 1,
                                      .high_factor = 4,
                                      .original_positions = 24};
    c[4].rope = (struct rope_scaling){.kind = ROPE_LINEAR, .factor = 4};
    for (int i = 0; i < 5; i++) {
        model_config_family(&c[i]);
        struct model m = random_model(c[i], 21 + (uint64_t)i, 0.3f);
        struct made *a = random_batch(&c[i], 22, lengths, 3);
        check_against_twin(&m, a, 0.9f, 30);
        free(a);
        model_free(&m);
    }
}

static void assert_close(const float *a, const float *b, size_t n, double tolerance)
{
    double square = 0, difference = 0;
    for (size_t i = 0; i < n; i++) {
        square += (double)b[i] * (double)b[i];
        difference = fmax(difference, fabs((double)a[i] - (double)b[i]));
    }
    double typical = sqrt(square / (double)n);
    if (!(difference <= tolerance * typical * 10))
        fail_msg("differ by %g where %g is typical", difference, typical);
}

/* Two batches of the same sequences, packed differently: the same log-probabilities and the same
 * sum of gradients. */
static void test_packing_does_not_matter(void **state)
{
    (void)state;
    const int lengths[] = {140, 3, 165, 1, 22};
    struct model m = random_model(wide, 8, 0.1f);
    struct model_run *run = model_run_new(&m), *other = model_run_new(&m);
    float *together = xcalloc(m.n_params, sizeof(float)),
          *apart = xcalloc(m.n_params, sizeof(float));
    struct made *a = random_batch(&wide, 9, lengths, 5);
    model_forward(run, &m, &a->b, 1, a->logp, a->entropy);
    model_backward(run, &m, &a->b, a->dlogp, together);
    for (int s = 0, r = 0; s < a->b.n_seq; s++) {
        struct made *one = made_new();
        made_add(one, a->tokens + a->start[s], lengths[s], lengths[s] / 3,
                 a->target[r + lengths[s] - lengths[s] / 3 - 1], a->dlogp + r - lengths[s] / 3);
        model_forward(other, &m, &one->b, 1, one->logp, NULL);
        model_backward(other, &m, &one->b, one->dlogp, apart);
        for (int i = 0; i < one->b.n_rows; i++, r++)
            assert_true(fabsf(one->logp[i] - a->logp[r]) < 1e-5f);
        free(one);
    }
    assert_close(together, apart, m.n_params, 1e-5);
    free(together);
    free(apart);
    free(a);
    model_run_free(run);
    model_run_free(other);
    model_free(&m);
}

/* A prompt with three completions: shared by parent, and repeated in full. */
static void test_a_shared_prompt_is_a_repeated_one(void **state)
{
    (void)state;
    enum { PROMPT = 21, COMPLETIONS = 3 };
    const int lengths[COMPLETIONS] = {14, 1, 20};
    struct model m = random_model(wide, 10, 0.1f);
    struct model_run *run = model_run_new(&m);
    struct made *whole = made_new(), *shared = made_new();
    struct rng rng = rng_make(11, 0);
    int32_t sequence[COMPLETIONS][PROMPT + 32];
    float dlogp[COMPLETIONS][PROMPT + 32], none[PROMPT] = {0};
    for (int s = 0; s < COMPLETIONS; s++)
        for (int i = 0; i <= PROMPT + lengths[s]; i++) {
            sequence[s][i] = s && i < PROMPT ? sequence[0][i] : (int32_t)rng_below(&rng, 37);
            dlogp[s][i] = (float)rng_normal(&rng);
        }
    made_add(shared, sequence[0], PROMPT, PROMPT, 0, none);
    for (int s = 0; s < COMPLETIONS; s++) {
        /* The row after the prompt's last token belongs to the prompt: once for each completion. */
        shared->row[s] = PROMPT - 1;
        shared->target[s] = sequence[s][PROMPT];
        shared->dlogp[s] = dlogp[s][PROMPT - 1];
    }
    shared->b.n_rows = COMPLETIONS;
    for (int s = 0; s < COMPLETIONS; s++) {
        made_add(whole, sequence[s], PROMPT + lengths[s], PROMPT - 1,
                 sequence[s][PROMPT + lengths[s]], dlogp[s]);
        made_add(shared, sequence[s] + PROMPT, lengths[s], 0, sequence[s][PROMPT + lengths[s]],
                 dlogp[s] + PROMPT);
        shared->parent[s + 1] = 0;
    }
    shared->b.parent = shared->parent;
    float *grads = xcalloc(m.n_params, sizeof(float)),
          *shared_grads = xcalloc(m.n_params, sizeof(float));
    model_forward(run, &m, &whole->b, 1, whole->logp, NULL);
    model_backward(run, &m, &whole->b, whole->dlogp, grads);
    model_forward(run, &m, &shared->b, 1, shared->logp, NULL);
    model_backward(run, &m, &shared->b, shared->dlogp, shared_grads);
    for (int s = 0, w = 0, r = COMPLETIONS; s < COMPLETIONS; s++) {
        assert_true(fabsf(whole->logp[w++] - shared->logp[s]) < 1e-5f);
        for (int i = 0; i < lengths[s]; i++)
            assert_true(fabsf(whole->logp[w++] - shared->logp[r++]) < 1e-5f);
    }
    assert_close(shared_grads, grads, m.n_params, 1e-5);
    check_against_twin(&m, shared, 1, 1);
    free(grads);
    free(shared_grads);
    free(whole);
    free(shared);
    model_run_free(run);
    model_free(&m);
}

/* More rows than the probabilities of which are kept: logits are made again in backward. */
static void test_a_large_vocabulary(void **state)
{
    (void)state;
    struct model_config cfg = tiny;
    cfg.vocab = 150001;
    cfg.width = 8;
    const int lengths[] = {24, 24};
    struct model m = random_model(cfg, 12, 0.1f);
    struct model_run *run = model_run_new(&m);
    struct made *a = random_batch(&cfg, 13, lengths, 2);
    float *chunked = xcalloc(m.n_params, sizeof(float)), *kept = xcalloc(m.n_params, sizeof(float));
    model_forward(run, &m, &a->b, 1, a->logp, NULL);
    model_backward(run, &m, &a->b, a->dlogp, chunked);
    for (int s = 0; s < 2; s++) {
        struct made *one = made_new();
        made_add(one, a->tokens + a->start[s], 24, 8, a->target[16 * s + 15],
                 a->dlogp + 16 * s - 8);
        model_forward(run, &m, &one->b, 1, one->logp, NULL);
        model_backward(run, &m, &one->b, one->dlogp, kept);
        for (int r = 0; r < 16; r++)
            assert_true(fabsf(one->logp[r] - a->logp[16 * s + r]) < 1e-5f);
        free(one);
    }
    assert_close(chunked, kept, m.n_params, 1e-4);
    free(chunked);
    free(kept);
    free(a);
    model_run_free(run);
    model_free(&m);
}

/* One token may be scored against many targets: more rows than tokens, more than a chunk of them.
 */
static void test_a_row_scored_many_times(void **state)
{
    (void)state;
    enum { MANY = 150 };
    struct model m = random_model(tiny, 18, 0.3f);
    struct made *a = made_new();
    const int32_t tokens[3] = {1, 5, 2};
    const float none[3] = {0};
    struct rng rng = rng_make(19, 0);
    made_add(a, tokens, 3, 3, 0, none);
    for (int r = 0; r < MANY; r++) {
        a->row[r] = r < MANY / 2 ? 1 : 2;
        a->target[r] = (int32_t)rng_below(&rng, 13);
        a->dlogp[r] = (float)rng_normal(&rng);
    }
    a->b.n_rows = MANY;
    check_against_twin(&m, a, 1, 10);
    free(a);
    model_free(&m);
}

static void test_logits_agree_with_logp(void **state)
{
    (void)state;
    const int lengths[] = {12, 7};
    struct model m = random_model(tiny, 14, 0.3f);
    struct model_run *run = model_run_new(&m);
    struct made *a = random_batch(&tiny, 15, lengths, 2);
    float *logits = xcalloc((size_t)a->b.n_rows * 13, sizeof(float));
    model_forward(run, &m, &a->b, 0.5f, a->logp, NULL);
    model_logits(run, &m, &a->b, logits);
    for (int r = 0; r < a->b.n_rows; r++) {
        double sum = 0;
        for (int j = 0; j < 13; j++)
            sum += exp((double)logits[r * 13 + j] / 0.5);
        assert_true(fabs((double)logits[r * 13 + a->target[r]] / 0.5 - log(sum) -
                         (double)a->logp[r]) < 1e-5);
    }
    free(logits);
    free(a);
    model_run_free(run);
    model_free(&m);
}

static void test_a_diverged_model_shows(void **state)
{
    (void)state;
    const int lengths[] = {6};
    struct model m = random_model(tiny, 16, 0.3f);
    struct model_run *run = model_run_new(&m);
    struct made *a = random_batch(&tiny, 17, lengths, 1);
    m.params[model_find(&m, "model.layers.0.mlp.down_proj.weight")->offset] = NAN;
    model_forward(run, &m, &a->b, 1, a->logp, a->entropy);
    assert_true(isnan(a->logp[0]));
    assert_true(isnan(a->entropy[0]));
    free(a);
    model_run_free(run);
    model_free(&m);
}

/* ---- adapters ------------------------------------------------------------------------------- */

static double adapted_loss(const struct model *m, const double *adapter, const struct made *a,
                           double *logp)
{
    double *params = xcalloc(m->n_params, sizeof *params);
    for (size_t i = 0; i < m->n_params; i++)
        params[i] = (double)m->params[i];
    ref_merge(m, adapter, params);
    double loss = twin_loss(m, params, a, 0.9, logp, NULL);
    free(params);
    return loss;
}

/* Up to `probes` elements of every A and B are moved in the twin, whose weights are merged. */
static void check_adapter_against_twin(struct model *m, struct made *a, int probes)
{
    struct model_run *run = model_run_new(m);
    const struct model_trained t = model_trained(m);
    float *grads = xcalloc(t.n, sizeof *grads);
    double *adapter = xcalloc(t.n, sizeof *adapter), *logp = xcalloc(ROWS_MAX, sizeof *logp);
    struct rng rng = rng_make(6, 6);
    for (size_t i = 0; i < t.n; i++)
        adapter[i] = (double)t.params[i];
    model_forward(run, m, &a->b, 0.9f, a->logp, a->entropy);
    model_backward(run, m, &a->b, a->dlogp, grads);
    adapted_loss(m, adapter, a, logp);
    for (int r = 0; r < a->b.n_rows; r++)
        assert_true(fabs(logp[r] - a->logp[r]) < 2e-5 * (1 + fabs(logp[r])));
    for (int i = 0; i < t.n_tensors; i++) {
        const struct model_tensor *tensor = &t.tensors[i];
        const int size = tensor->rows * tensor->cols;
        double square = 0;
        for (int k = 0; k < size; k++)
            square += pow((double)grads[tensor->offset + k], 2);
        assert_true(square > 0);
        for (int k = 0; k < probes; k++) {
            const size_t at = tensor->offset + rng_below(&rng, (uint64_t)size);
            const double h = 1e-5, keep = adapter[at];
            adapter[at] = keep + h;
            double up = adapted_loss(m, adapter, a, logp);
            adapter[at] = keep - h;
            double slope = (up - adapted_loss(m, adapter, a, logp)) / (2 * h);
            adapter[at] = keep;
            if (fabs(slope - (double)grads[at]) > 1e-4 * (fabs(slope) + sqrt(square / size)))
                fail_msg("%s: %g, wanted %g", tensor->name, (double)grads[at], slope);
        }
    }
    free(grads);
    free(adapter);
    free(logp);
    model_run_free(run);
}

static void adapt(struct model *m, int rank, const char *const *names, int n)
{
    unsigned targets;
    struct err err;
    struct rng rng = rng_make(31, 0);
    if (lora_targets(&m->cfg, names, n, "targets", &targets, &err) < 0)
        fail_msg("%s", err.text);
    m->lora = lora_create(&m->cfg, rank, 5, targets, 30);
    for (size_t i = 0; i < m->lora->n_params; i++)
        m->lora->params[i] += 0.2f * (float)rng_normal(&rng);
}

static void test_gradients_of_adapters(void **state)
{
    (void)state;
    const int lengths[] = {9, 17, 4};
    static const char *const some[] = {"v", "q_proj", "mlp.down_proj"};
    struct model_config c[4] = {tiny, tiny, tiny, tiny};
    c[0].family = MODEL_QWEN2;
    c[1].family = MODEL_QWEN3;
    c[1].tied = false;
    c[2].family = MODEL_GPT2;
    c[2].heads = c[2].kv_heads = 2;
    c[2].head_dim = 10;
    for (int i = 0; i < 4; i++) {
        model_config_family(&c[i]);
        struct model m = random_model(c[i], 41 + (uint64_t)i, 0.3f);
        struct made *a = random_batch(&c[i], 42, lengths, 3);
        adapt(&m, 3, some, i == 3 ? 3 : 0);
        check_adapter_against_twin(&m, a, 12);
        free(a);
        model_free(&m);
    }
}

/* A micro-batch's gradients add to what is there, whatever its size. */
static void test_adapters_do_not_mind_packing(void **state)
{
    (void)state;
    const int lengths[] = {150, 40, 1};
    struct model m = random_model(wide, 51, 0.1f);
    adapt(&m, 4, NULL, 0);
    struct model_run *run = model_run_new(&m);
    float *together = xcalloc(m.lora->n_params, sizeof(float)),
          *apart = xcalloc(m.lora->n_params, sizeof(float));
    struct made *a = random_batch(&wide, 52, lengths, 3);
    model_forward(run, &m, &a->b, 1, a->logp, NULL);
    model_backward(run, &m, &a->b, a->dlogp, together);
    for (int s = 0, r = 0; s < a->b.n_seq; s++) {
        struct made *one = made_new();
        const int scored = lengths[s] - lengths[s] / 3;
        made_add(one, a->tokens + a->start[s], lengths[s], lengths[s] / 3,
                 a->target[r + scored - 1], a->dlogp + r - lengths[s] / 3);
        model_forward(run, &m, &one->b, 1, one->logp, NULL);
        model_backward(run, &m, &one->b, one->dlogp, apart);
        r += scored;
        free(one);
    }
    assert_close(together, apart, m.lora->n_params, 1e-5);
    free(together);
    free(apart);
    free(a);
    model_run_free(run);
    model_free(&m);
}

/* Activations made again are the activations: equal bits, with all weights trained and with an adapter. */
static void test_recomputing_changes_nothing(void **state)
{
    (void)state;
    const int lengths[] = {150, 3, 120};
    struct model_config c[] = {tiny, wide, wide};
    c[0].max_positions = 256;
    c[1].family = MODEL_QWEN3;
    c[2].family = MODEL_GPT2;
    c[2].head_dim = 12;
    for (size_t i = 0; i < 2 * COUNT_OF(c); i++) {
        struct model_config cfg = c[i / 2];
        model_config_family(&cfg);
        struct model m = random_model(cfg, 71, 0.1f);
        if (i % 2)
            adapt(&m, 4, NULL, 0);
        const size_t n = model_trained(&m).n;
        struct made *a = random_batch(&cfg, 72, lengths, 3);
        float *grads[2];
        size_t bytes[2];
        for (int again = 0; again < 2; again++) {
            struct model_run *run = model_run_new(&m);
            grads[again] = xcalloc(n, sizeof(float));
            m.recompute = again;
            bytes[again] = model_run_bytes(&m, a->b.n_tokens, a->b.n_rows, 150);
            model_forward(run, &m, &a->b, 1, a->logp, NULL);
            model_backward(run, &m, &a->b, a->dlogp, grads[again]);
            model_run_free(run);
        }
        assert_memory_equal(grads[0], grads[1], n * sizeof(float));
        assert_true(bytes[1] < bytes[0]);
        free(grads[0]);
        free(grads[1]);
        free(a);
        model_free(&m);
    }
}

static void test_merged_is_unmerged(void **state)
{
    (void)state;
    const int lengths[] = {33, 8};
    struct model m = random_model(wide, 61, 0.1f);
    struct model_run *run = model_run_new(&m);
    struct made *a = random_batch(&wide, 62, lengths, 2);
    float *before = xcalloc((size_t)a->b.n_rows, sizeof *before);
    model_forward(run, &m, &a->b, 1, before, NULL);
    adapt(&m, 4, NULL, 0);
    model_forward(run, &m, &a->b, 1, a->logp, NULL);
    float moved = 0, *adapted = xcalloc((size_t)a->b.n_rows, sizeof *adapted);
    memcpy(adapted, a->logp, (size_t)a->b.n_rows * sizeof *adapted);
    model_merge(&m);
    assert_null(m.lora);
    model_forward(run, &m, &a->b, 1, a->logp, NULL);
    for (int r = 0; r < a->b.n_rows; r++) {
        assert_true(fabsf(adapted[r] - a->logp[r]) < 1e-5f);
        moved = fmaxf(moved, fabsf(adapted[r] - before[r]));
    }
    assert_true(moved > 0.1f);
    free(before);
    free(adapted);
    free(a);
    model_run_free(run);
    model_free(&m);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients_tiny),
        cmocka_unit_test(test_gradients_wide),
        cmocka_unit_test(test_one_layer),
        cmocka_unit_test(test_gradients_of_every_family),
        cmocka_unit_test(test_packing_does_not_matter),
        cmocka_unit_test(test_recomputing_changes_nothing),
        cmocka_unit_test(test_a_shared_prompt_is_a_repeated_one),
        cmocka_unit_test(test_a_large_vocabulary),
        cmocka_unit_test(test_a_row_scored_many_times),
        cmocka_unit_test(test_logits_agree_with_logp),
        cmocka_unit_test(test_a_diverged_model_shows),
        cmocka_unit_test(test_gradients_of_adapters),
        cmocka_unit_test(test_adapters_do_not_mind_packing),
        cmocka_unit_test(test_merged_is_unmerged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
