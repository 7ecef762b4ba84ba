/* The sampler: its log-probabilities are the model's, its choices follow the distribution, and
 * nothing depends on the batch. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/check.h"
#include "trainer/kernels/team.h"
#include "trainer/model/draw.h"
#include "trainer/model/lora.h"
#include "trainer/model/model.h"
#include "trainer/model/product.h"

enum { PROMPTS = 5, GROUP = 6, NEW_MAX = 24, PROMPT_MAX = 40 };

static const struct model_config small = {.vocab = 53,
                                          .layers = 3,
                                          .width = 40,
                                          .heads = 4,
                                          .kv_heads = 2,
                                          .head_dim = 12,
                                          .ff = 50,
                                          .max_positions = 128,
                                          .rope_theta = 1000,
                                          .norm_eps = 1e-6f,
                                          .tied = true,
                                          .bos_id = -1,
                                          .eos_id = 3,
                                          .pad_id = -1};

/* What came back, by prompt and k. */
struct kept {
    pthread_mutex_t lock;
    int32_t tokens[PROMPTS][GROUP][NEW_MAX];
    float logp[PROMPTS][GROUP][NEW_MAX];
    int n[PROMPTS][GROUP], calls[PROMPTS][GROUP], polls, polls_max, rows;
    bool truncated[PROMPTS][GROUP];
};

static void keep(void *ctx, int prompt, int k, const struct completion *c)
{
    struct kept *kept = ctx;
    CHECK(c->tokens && c->logp); /* also of what was abandoned before its first token */
    pthread_mutex_lock(&kept->lock);
    kept->calls[prompt][k]++;
    kept->n[prompt][k] = c->n_tokens;
    kept->truncated[prompt][k] = c->truncated;
    memcpy(kept->tokens[prompt][k], c->tokens, (size_t)c->n_tokens * sizeof *c->tokens);
    memcpy(kept->logp[prompt][k], c->logp, (size_t)c->n_tokens * sizeof *c->logp);
    pthread_mutex_unlock(&kept->lock);
}

struct fixture {
    struct model m;
    int32_t tokens[PROMPTS][PROMPT_MAX];
    struct sample_prompt prompts[PROMPTS];
};

static struct model make_model(const struct model_config *cfg, float scale)
{
    struct model m;
    struct err err;
    if (model_create(cfg, 21, &m, &err) != 0)
        fail_msg("%s", err.text);
    struct rng rng = rng_make(22, 0);
    for (size_t i = 0; i < m.n_params; i++)
        m.params[i] += scale * (float)rng_normal(&rng);
    return m;
}

static void fixture_make(struct fixture *f)
{
    const int lengths[PROMPTS] = {1, 17, 40, 16, 5};
    struct rng rng = rng_make(23, 0);
    f->m = make_model(&small, 0.15f);
    for (int i = 0; i < PROMPTS; i++) {
        for (int j = 0; j < lengths[i]; j++)
            f->tokens[i][j] = (int32_t)rng_below(&rng, (uint64_t)small.vocab);
        f->prompts[i] = (struct sample_prompt){f->tokens[i], lengths[i], (uint64_t)i * GROUP};
    }
}

static struct kept *sample(const struct fixture *f, int workers, struct sample_options opt,
                           int64_t *ret_tokens)
{
    struct kept *kept = xcalloc(1, sizeof *kept);
    struct team *team = team_start(workers);
    struct err err;
    pthread_mutex_init(&kept->lock, NULL);
    if (sample_run(&f->m, team, &opt, f->prompts, PROMPTS, GROUP, keep, kept, ret_tokens, &err) !=
        0)
        fail_msg("%s", err.text);
    for (int i = 0; i < PROMPTS * GROUP; i++)
        assert_int_equal(kept->calls[i / GROUP][i % GROUP], 1);
    team_stop(team);
    return kept;
}

static const struct sample_options plain = {
    .temperature = 1, .top_p = 1, .max_new = NEW_MAX, .seed = 7, .rows_max = 64};

static void test_the_batch_does_not_matter(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f);
    const struct {
        int workers, rows_max;
    } ways[] = {{1, 1}, {1, 7}, {2, 7}, {3, 2}, {1, 3}};
    struct kept *first = sample(&f, 1, plain, NULL);
    for (size_t w = 0; w < COUNT_OF(ways); w++) {
        struct sample_options opt = plain;
        opt.rows_max = ways[w].rows_max;
        struct kept *again = sample(&f, ways[w].workers, opt, NULL);
        assert_memory_equal(first->n, again->n, sizeof first->n);
        assert_memory_equal(first->tokens, again->tokens, sizeof first->tokens);
        assert_memory_equal(first->logp, again->logp, sizeof first->logp);
        free(again);
    }
    free(first);
    model_free(&f.m);
}

static void keep_alone(void *ctx, int prompt, int k, const struct completion *c)
{
    assert_int_equal(k, 0);
    keep(ctx, prompt / GROUP, prompt % GROUP, c);
}

/* Never ends a completion; counts the rows that are asked about. */
static bool count_row(void *ctx, const int32_t *tokens, int n)
{
    struct kept *kept = ctx;
    (void)tokens, (void)n;
    pthread_mutex_lock(&kept->lock);
    kept->rows++;
    pthread_mutex_unlock(&kept->lock);
    return false;
}

/* Each completion as the only one of its prompt, from its own stream. */
static struct kept *sample_alone(const struct fixture *f, struct sample_options opt)
{
    struct kept *kept = xcalloc(1, sizeof *kept);
    struct sample_prompt prompts[PROMPTS * GROUP];
    struct team *team = team_start(1);
    for (int i = 0; i < PROMPTS * GROUP; i++) {
        prompts[i] = f->prompts[i / GROUP];
        prompts[i].stream += (uint64_t)(i % GROUP);
    }
    pthread_mutex_init(&kept->lock, NULL);
    assert_int_equal(
        sample_run(&f->m, team, &opt, prompts, PROMPTS * GROUP, 1, keep_alone, kept, NULL, NULL),
        0);
    team_stop(team);
    return kept;
}

/* Completions that go the same way for a while are computed once meanwhile, and are what they would be alone. */
static void test_siblings_are_as_if_alone(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f);
    struct sample_options ways[5];
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        ways[i] = plain;
        ways[i].ends = count_row;
        ways[i].temperature = 0.1f;
    }
    ways[1].temperature = 1;
    ways[2].rows_max = 5;
    ways[3].top_p = 0.8f;
    ways[4].repetition_penalty = 1.1f;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        int64_t tokens = 0;
        int parted = 0;
        struct kept *alone = sample_alone(&f, ways[i]), *kept = sample(&f, 2, ways[i], &tokens);
        assert_memory_equal(kept->n, alone->n, sizeof kept->n);
        assert_memory_equal(kept->tokens, alone->tokens, sizeof kept->tokens);
        assert_memory_equal(kept->logp, alone->logp, sizeof kept->logp);
        assert_memory_equal(kept->truncated, alone->truncated, sizeof kept->truncated);
        /* Nobody is asked about a completion whose last token was the end. */
        assert_in_range(alone->rows, tokens - PROMPTS * GROUP, tokens);
        assert_true(kept->rows < alone->rows);
        if (i == 0)
            assert_true(kept->rows * 4 < alone->rows * 3);
        for (int p = 0; p < PROMPTS; p++)
            parted += memcmp(kept->tokens[p][0], kept->tokens[p][GROUP - 1],
                             sizeof kept->tokens[p][0]) != 0;
        assert_true(parted > 0);
        free(alone);
        free(kept);
    }
    model_free(&f.m);
}

/* Greedy, a group is one row to its end. */
static void test_greedy_siblings_never_part(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f);
    struct sample_options greedy = plain;
    greedy.temperature = 0;
    greedy.ends = count_row;
    int64_t tokens = 0;
    struct kept *alone = sample_alone(&f, greedy), *kept = sample(&f, 1, greedy, &tokens);
    assert_memory_equal(kept->tokens, alone->tokens, sizeof kept->tokens);
    assert_memory_equal(kept->logp, alone->logp, sizeof kept->logp);
    assert_int_equal(kept->rows * GROUP, alone->rows);
    free(alone);
    free(kept);
    model_free(&f.m);
}

static void check_logp(const struct fixture *f, const struct kept *kept, float temperature)
{
    struct model_run *run = model_run_new(&f->m);
    for (int p = 0; p < PROMPTS; p++)
        for (int k = 0; k < GROUP; k++) {
            int32_t tokens[PROMPT_MAX + NEW_MAX];
            int row[NEW_MAX], prompt = f->prompts[p].n_tokens, n = kept->n[p][k],
                              start[2] = {0, prompt + n - 1};
            float logp[NEW_MAX];
            memcpy(tokens, f->tokens[p], (size_t)prompt * sizeof *tokens);
            memcpy(tokens + prompt, kept->tokens[p][k], (size_t)n * sizeof *tokens);
            for (int i = 0; i < n; i++)
                row[i] = prompt - 1 + i;
            const struct model_batch b = {.n_seq = 1,
                                          .n_tokens = start[1],
                                          .n_rows = n,
                                          .start = start,
                                          .tokens = tokens,
                                          .row = row,
                                          .target = kept->tokens[p][k]};
            model_forward(run, &f->m, &b, temperature, logp, NULL);
            const float bound = f->m.compute == COMPUTE_BF16 ? 1e-2f : 1e-5f;
            for (int i = 0; i < n; i++)
                assert_true(fabsf(logp[i] - kept->logp[p][k][i]) < bound * (1 + fabsf(logp[i])));
        }
    model_run_free(run);
}

static void test_logp_is_the_models(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f);
    const float temperatures[] = {1, 0.6f, 1.4f, 0};
    for (size_t t = 0; t < COUNT_OF(temperatures); t++) {
        struct sample_options opt = plain;
        opt.temperature = temperatures[t];
        struct kept *kept = sample(&f, 2, opt, NULL);
        check_logp(&f, kept, temperatures[t] > 0 ? temperatures[t] : 1);
        free(kept);
    }
    model_free(&f.m);
}

/* The sampler's pass is the trainer's for every architecture. */
static void test_logp_is_the_models_in_every_family(void **state)
{
    (void)state;
    for (int family = MODEL_LLAMA; family < MODEL_FAMILIES; family++) {
        struct fixture f;
        struct model_config c = small;
        fixture_make(&f);
        model_free(&f.m);
        c.family = family;
        model_config_family(&c);
        if (family == MODEL_GPT2) {
            c.kv_heads = c.heads;
            c.head_dim = c.width / c.heads;
        }
        if (family == MODEL_LLAMA)
            c.rope = (struct rope_scaling){ROPE_LLAMA3, 8, 1, 4, 16};
        f.m = make_model(&c, 0.15f);
        struct kept *kept = sample(&f, 2, plain, NULL);
        check_logp(&f, kept, 1);
        free(kept);
        model_free(&f.m);
    }
}

/* In bf16 the sampler's pass differs from the trainer's where f32 sums in another order round to another neighbour:
 * little, and no less with an adapter, which both merge before they round. What is sampled is the same bits whatever
 * the batch. */
static void test_bf16_is_the_models(void **state)
{
    (void)state;
    for (int rank = 0; rank <= 4; rank += 4) {
        struct fixture f;
        fixture_make(&f);
        f.m.compute = COMPUTE_BF16;
        if (rank) {
            unsigned targets;
            struct rng rng = rng_make(24, 0);
            assert_int_equal(lora_targets(&f.m.cfg, NULL, 0, "", &targets, NULL), 0);
            f.m.lora = lora_create(&f.m.cfg, rank, 8, targets, 3);
            for (size_t i = 0; i < f.m.lora->n_params; i++)
                f.m.lora->params[i] = 0.1f * (float)rng_normal(&rng);
        }
        struct sample_options few = plain;
        few.rows_max = 3;
        struct kept *kept = sample(&f, 2, plain, NULL), *again = sample(&f, 1, few, NULL);
        assert_memory_equal(kept->tokens, again->tokens, sizeof kept->tokens);
        assert_memory_equal(kept->logp, again->logp, sizeof kept->logp);
        check_logp(&f, kept, 1);
        free(kept);
        free(again);
        model_free(&f.m);
    }
}

/* Weights that have moved are packed anew: the two passes still agree after updates. */
static void test_logp_is_the_models_after_training(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f);
    const int start[2] = {0, 40};
    int row[39];
    float dlogp[39], logp[39];
    for (int i = 0; i < 39; i++) {
        row[i] = i;
        dlogp[i] = -1;
    }
    const struct model_batch b = {.n_seq = 1,
                                  .n_tokens = 40,
                                  .n_rows = 39,
                                  .start = start,
                                  .tokens = f.tokens[2],
                                  .row = row,
                                  .target = f.tokens[2] + 1};
    struct team *team = team_start(1);
    struct model_run *run = model_run_new(&f.m);
    float *grads = xcalloc(f.m.n_params, sizeof *grads), first = 0, last = 0;
    struct adamw a;
    assert_int_equal(adamw_new(&f.m, 0.9f, 0.95f, 1e-8f, 0.1f, &a), 0);
    for (int step = 0; step < 20; step++) {
        model_forward(run, &f.m, &b, 1, logp, NULL);
        last = 0;
        for (int i = 0; i < 39; i++)
            last -= logp[i] / 39;
        first = step ? first : last;
        memset(grads, 0, f.m.n_params * sizeof *grads);
        model_backward(run, &f.m, &b, dlogp, grads);
        adamw_step(&a, &f.m, grads, 3e-3f, 1, team);
    }
    assert_true(last < first / 2);
    struct kept *kept = sample(&f, 2, plain, NULL);
    check_logp(&f, kept, 1);
    free(kept);
    free(grads);
    adamw_free(&a);
    model_run_free(run);
    team_stop(team);
    model_free(&f.m);
}

static void test_ends_where_it_should(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f);
    int64_t tokens = 0, sum = 0;
    int ended = 0, cut = 0;
    struct kept *kept = sample(&f, 2, plain, &tokens);
    for (int p = 0; p < PROMPTS; p++)
        for (int k = 0; k < GROUP; k++) {
            const int n = kept->n[p][k];
            sum += n;
            assert_in_range(n, 1, NEW_MAX);
            for (int i = 0; i + 1 < n; i++)
                assert_int_not_equal(kept->tokens[p][k][i], small.eos_id);
            assert_int_equal(kept->truncated[p][k], kept->tokens[p][k][n - 1] != small.eos_id);
            if (kept->truncated[p][k])
                assert_int_equal(n, NEW_MAX);
            ended += !kept->truncated[p][k];
            cut += kept->truncated[p][k];
        }
    assert_int_equal(sum, tokens);
    assert_true(ended > 0);
    assert_true(cut > 0);
    /* With a second token that ends a text each is as long as until the first of the two. */
    f.m.cfg.more_eos[0] = 5;
    f.m.cfg.n_more_eos = 1;
    struct kept *two = sample(&f, 2, plain, NULL);
    int sooner = 0;
    for (int i = 0; i < PROMPTS * GROUP; i++) {
        const int p = i / GROUP, k = i % GROUP, n = two->n[p][k];
        int end = 0;
        while (end + 1 < kept->n[p][k] && kept->tokens[p][k][end] != 5)
            end++;
        assert_int_equal(n, end + 1);
        assert_memory_equal(two->tokens[p][k], kept->tokens[p][k], (size_t)n * sizeof(int32_t));
        assert_int_equal(two->truncated[p][k], !model_ends(&f.m.cfg, two->tokens[p][k][n - 1]));
        sooner += n < kept->n[p][k];
    }
    assert_true(sooner > 0);
    f.m.cfg.n_more_eos = 0;
    free(two);
    free(kept);
    /* Where the positions end, so does a completion. */
    f.m.cfg.max_positions = 45;
    kept = sample(&f, 1, plain, NULL);
    for (int k = 0; k < GROUP; k++)
        assert_true(kept->n[2][k] <= 45 - 40 + 1);
    /* More than they are may be asked for, and takes no more memory. */
    struct team *team = team_start(1);
    struct sample_options most = plain;
    struct kept *again = xcalloc(1, sizeof *again);
    struct sample_prompt prompt = f.prompts[2];
    most.max_new = 1000000000;
    pthread_mutex_init(&again->lock, NULL);
    assert_int_equal(sample_run(&f.m, team, &most, &prompt, 1, GROUP, keep, again, NULL, NULL), 0);
    assert_memory_equal(again->n[0], kept->n[2], sizeof kept->n[2]);
    assert_memory_equal(again->tokens[0], kept->tokens[2], sizeof kept->tokens[2]);
    team_stop(team);
    free(again);
    free(kept);
    model_free(&f.m);
}

static bool stop_soon(void *ctx)
{
    struct kept *kept = ctx;
    return ++kept->polls > kept->polls_max;
}

static bool ends_with_seven(void *ctx, const int32_t *tokens, int n)
{
    (void)ctx;
    return tokens[n - 1] == 7;
}

/* A completion may be ended by its text; what was sampled before that is unchanged. */
static void test_the_callers_end(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f);
    struct sample_options opt = plain;
    struct kept *free_run = sample(&f, 2, opt, NULL);
    opt.ends = ends_with_seven;
    struct kept *kept = sample(&f, 2, opt, NULL);
    int ended = 0;
    for (int p = 0; p < PROMPTS; p++)
        for (int k = 0; k < GROUP; k++) {
            int n = kept->n[p][k];
            for (int i = 0; i < n; i++) {
                assert_int_equal(kept->tokens[p][k][i], free_run->tokens[p][k][i]);
                assert_true(i + 1 == n || kept->tokens[p][k][i] != 7);
            }
            if (kept->tokens[p][k][n - 1] == 7) {
                assert_false(kept->truncated[p][k]);
                ended++;
            } else
                assert_int_equal(n, free_run->n[p][k]);
        }
    assert_true(ended > 0);
    free(free_run);
    free(kept);
    model_free(&f.m);
}

/* A large penalty brings positive logits of what the text holds to 0 and forbids the negative ones:
 * far fewer repeats. Log-probabilities stay the model's own. */
static void test_repetition_penalty(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f);
    struct sample_options opt = plain;
    opt.repetition_penalty = 1e6f;
    for (size_t i = 0; i < f.m.n_params; i++)
        f.m.params[i] *= 0.5f; /* all tokens are about as likely: the penalty decides */
    struct kept *kept = sample(&f, 2, opt, NULL), *again = sample(&f, 1, opt, NULL);
    assert_memory_equal(kept->tokens, again->tokens, sizeof kept->tokens);
    check_logp(&f, kept, 1);
    int repeats = 0, all = 0;
    for (int p = 0; p < PROMPTS; p++)
        for (int k = 0; k < GROUP; k++)
            for (int i = 1; i < kept->n[p][k]; i++, all++)
                for (int j = 0; j < i; j++)
                    if (kept->tokens[p][k][i] == kept->tokens[p][k][j]) {
                        repeats++;
                        break;
                    }
    opt.repetition_penalty = 1;
    struct kept *plainly = sample(&f, 1, opt, NULL);
    int plain_repeats = 0;
    for (int p = 0; p < PROMPTS; p++)
        for (int k = 0; k < GROUP; k++)
            for (int i = 1; i < plainly->n[p][k]; i++)
                for (int j = 0; j < i; j++)
                    if (plainly->tokens[p][k][i] == plainly->tokens[p][k][j]) {
                        plain_repeats++;
                        break;
                    }
    assert_true(repeats * 4 < plain_repeats * 3);
    free(kept);
    free(again);
    free(plainly);
    model_free(&f.m);
}

/* One prompt: whoever claims it has all the rows, until it hands half of them to those that have none. */
enum { ONE_GROUP = 24, SEEN_MAX = 3 };
struct handed {
    pthread_mutex_t lock;
    int32_t tokens[ONE_GROUP][NEW_MAX];
    int calls[ONE_GROUP], n_seen;
    pthread_t seen[SEEN_MAX];
};

static void keep_handed(void *ctx, int prompt, int k, const struct completion *c)
{
    struct handed *h = ctx;
    assert_int_equal(prompt, 0);
    pthread_mutex_lock(&h->lock);
    h->calls[k]++;
    memcpy(h->tokens[k], c->tokens, (size_t)c->n_tokens * sizeof *c->tokens);
    pthread_mutex_unlock(&h->lock);
}

/* Never ends a completion. As long as one worker alone has sampled it lets the others come, 2 ms a token. */
static bool see_worker(void *ctx, const int32_t *tokens, int n)
{
    struct handed *h = ctx;
    (void)tokens, (void)n;
    pthread_mutex_lock(&h->lock);
    int i = 0;
    while (i < h->n_seen && !pthread_equal(h->seen[i], pthread_self()))
        i++;
    if (i == h->n_seen)
        h->seen[h->n_seen++] = pthread_self();
    const bool alone = h->n_seen == 1;
    pthread_mutex_unlock(&h->lock);
    if (alone)
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    return false;
}

static void test_rows_are_handed_over(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f);
    struct handed found[2] = {{.lock = PTHREAD_MUTEX_INITIALIZER},
                              {.lock = PTHREAD_MUTEX_INITIALIZER}};
    for (int i = 0; i < 2; i++) {
        struct team *team = team_start(i ? SEEN_MAX : 1);
        struct sample_options opt = plain;
        int64_t tokens = 0;
        int differ = 0;
        opt.ends = i ? see_worker : NULL;
        assert_int_equal(sample_run(&f.m, team, &opt, f.prompts + 2, 1, ONE_GROUP, keep_handed,
                                    &found[i], &tokens, NULL),
                         0);
        for (int k = 0; k < ONE_GROUP; k++) {
            assert_int_equal(found[i].calls[k], 1);
            for (int j = 0; j < NEW_MAX; j++)
                differ += found[i].tokens[k][j] != found[0].tokens[k][j];
        }
        assert_int_equal(differ, 0);
        assert_in_range(tokens, ONE_GROUP, ONE_GROUP * NEW_MAX);
        team_stop(team);
    }
    assert_true(found[1].n_seen > 1);
    model_free(&f.m);
}

static void test_stop_reports_everything_once(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f);
    struct sample_options opt = plain;
    opt.stop = stop_soon;
    opt.rows_max = 4;
    struct team *team = team_start(1);
    for (int polls = 0; polls < 8; polls++) {
        struct kept *kept = xcalloc(1, sizeof *kept);
        pthread_mutex_init(&kept->lock, NULL);
        kept->polls_max = polls;
        assert_int_equal(
            sample_run(&f.m, team, &opt, f.prompts, PROMPTS, GROUP, keep, kept, NULL, NULL), 0);
        for (int i = 0; i < PROMPTS * GROUP; i++)
            assert_int_equal(kept->calls[i / GROUP][i % GROUP], 1);
        assert_true(kept->truncated[PROMPTS - 1][GROUP - 1]);
        assert_int_equal(kept->n[PROMPTS - 1][GROUP - 1], 0);
        free(kept);
    }
    team_stop(team);
    model_free(&f.m);
}

static void test_bad_requests_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f);
    struct team *team = team_start(1);
    struct err err;
    struct sample_options opt = plain;
    opt.max_new = 0;
    assert_int_equal(
        sample_run(&f.m, team, &opt, f.prompts, PROMPTS, GROUP, keep, NULL, NULL, &err), -EINVAL);
    opt = plain;
    opt.temperature = NAN;
    assert_int_equal(
        sample_run(&f.m, team, &opt, f.prompts, PROMPTS, GROUP, keep, NULL, NULL, &err), -EINVAL);
    f.tokens[1][3] = small.vocab;
    assert_int_equal(
        sample_run(&f.m, team, &plain, f.prompts, PROMPTS, GROUP, keep, NULL, NULL, &err), -EINVAL);
    assert_non_null(strstr(err.text, "prompt 1"));
    f.tokens[1][3] = 0;
    f.m.cfg.max_positions = 39;
    assert_int_equal(
        sample_run(&f.m, team, &plain, f.prompts, PROMPTS, GROUP, keep, NULL, NULL, &err), -EINVAL);
    f.m.cfg.max_positions = 128;
    f.m.params[f.m.n_params - 1] = NAN;
    struct kept *kept = xcalloc(1, sizeof *kept);
    assert_int_equal(
        sample_run(&f.m, team, &plain, f.prompts, PROMPTS, GROUP, keep, kept, NULL, &err), -EDOM);
    free(kept);
    team_stop(team);
    model_free(&f.m);
}

/* ---- one token from one row ----------------------------------------------------------------- */

enum { V = 300, DRAWS = 60000 };

static void make_logits(float *logits)
{
    struct rng rng = rng_make(31, 0);
    for (int i = 0; i < V; i++)
        logits[i] = 2.5f * (float)rng_normal(&rng);
}

static struct draw made(struct draw_options o, const float *logits, float *scratch)
{
    struct draw d;
    assert_true(draw_make(&o, V, logits, scratch, &d));
    return d;
}

/* Chi-squared of drawn counts against the wanted probabilities; tokens expected fewer than 5 times
 * are pooled. */
static void check_frequencies(const struct draw_options *o, const float *logits,
                              const double *wanted)
{
    float *scratch = xcalloc((size_t)draw_scratch_size(V), sizeof *scratch);
    const struct draw d = made(*o, logits, scratch);
    int counts[V] = {0}, cells = 0;
    struct rng rng = rng_make(32, 1);
    for (int i = 0; i < DRAWS; i++)
        counts[draw_next(&d, &rng)]++;
    assert_int_equal(rng.counter, DRAWS);
    double chi = 0, rest = 0, rest_seen = 0;
    for (int i = 0; i < V; i++) {
        double expected = wanted[i] * DRAWS;
        if (wanted[i] == 0) {
            assert_int_equal(counts[i], 0);
        } else if (expected < 5) {
            rest += expected;
            rest_seen += counts[i];
        } else {
            chi += (counts[i] - expected) * (counts[i] - expected) / expected;
            cells++;
        }
    }
    if (rest > 0)
        chi += (rest_seen - rest) * (rest_seen - rest) / rest;
    /* Mean cells, deviation sqrt(2 cells): five deviations. */
    assert_true(chi < cells + 5 * sqrt(2.0 * cells + 2));
    free(scratch);
}

static void wanted_probabilities(const float *logits, double temperature, double top_p, int top_k,
                                 double min_p, double *p)
{
    bool taken[V] = {false};
    double sum = 0, mass = 0, held = 0;
    int order[V];
    for (int i = 0; i < V; i++)
        sum += p[i] = exp((double)logits[i] / temperature);
    for (int n = 0; n < V; n++) {
        order[n] = -1;
        for (int i = 0; i < V; i++)
            if (!taken[i] && (order[n] < 0 || p[i] > p[order[n]]))
                order[n] = i;
        taken[order[n]] = true;
        if (n < top_k)
            held += p[order[n]];
    }
    for (int n = 0; n < V; n++) {
        double *one = &p[order[n]];
        if (n >= top_k || (n > 0 && mass >= top_p * held))
            *one = 0;
        mass += *one;
    }
    mass = 0;
    for (int n = 0; n < V; n++) {
        double *one = &p[order[n]];
        if (*one < min_p * p[order[0]])
            *one = 0;
        mass += *one;
    }
    for (int i = 0; i < V; i++)
        p[i] /= mass;
}

static void test_draws_follow_the_distribution(void **state)
{
    (void)state;
    float logits[V];
    double wanted[V];
    make_logits(logits);
    const struct draw_options ways[] = {
        {1, 1, 0, 0},     {0.5f, 1, 0, 0}, {1, 0.8f, 0, 0}, {1, 1, 0, 9}, {1.5f, 0.7f, 0, 40},
        {1, 1e-6f, 0, 0}, {1, 1, 0, 1},    {1, 1, 0.1f, 0}, {1, 1, 1, 0}, {0.7f, 0.9f, 0.02f, 50},
    };
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        wanted_probabilities(logits, (double)ways[i].temperature,
                             ways[i].top_p < 1 ? (double)ways[i].top_p : 2,
                             ways[i].top_k ? ways[i].top_k : V, (double)ways[i].min_p, wanted);
        check_frequencies(&ways[i], logits, wanted);
    }
}

static void test_greedy_takes_the_lowest_of_equals(void **state)
{
    (void)state;
    float logits[V] = {0}, scratch[4 * V];
    struct rng rng = rng_make(1, 1);
    logits[41] = logits[77] = logits[250] = 3;
    struct draw d = made((struct draw_options){0, 1, 0, 0}, logits, scratch);
    assert_int_equal(draw_next(&d, &rng), 41);
    assert_int_equal(rng.counter, 0);
    assert_true(fabs((double)draw_logp(&d, 41) - (3 - log(3 * exp(3) + V - 3))) < 1e-6);
    d = made((struct draw_options){1, 1, 0, 1}, logits, scratch);
    assert_int_equal(draw_next(&d, &rng), 41);
}

static void test_infinite_logits_are_seen(void **state)
{
    (void)state;
    float logits[V] = {0}, scratch[4 * V];
    struct draw d;
    const float bad[] = {NAN, INFINITY};
    for (int i = 0; i < 2; i++)
        for (int at = 0; at < V; at += 37) {
            logits[at] = bad[i];
            assert_false(draw_make(&(struct draw_options){1, 1, 0, 0}, V, logits, scratch, &d));
            logits[at] = 0;
        }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_batch_does_not_matter),
        cmocka_unit_test(test_siblings_are_as_if_alone),
        cmocka_unit_test(test_greedy_siblings_never_part),
        cmocka_unit_test(test_logp_is_the_models),
        cmocka_unit_test(test_logp_is_the_models_in_every_family),
        cmocka_unit_test(test_logp_is_the_models_after_training),
        cmocka_unit_test(test_bf16_is_the_models),
        cmocka_unit_test(test_ends_where_it_should),
        cmocka_unit_test(test_the_callers_end),
        cmocka_unit_test(test_repetition_penalty),
        cmocka_unit_test(test_rows_are_handed_over),
        cmocka_unit_test(test_stop_reports_everything_once),
        cmocka_unit_test(test_bad_requests_are_refused),
        cmocka_unit_test(test_draws_follow_the_distribution),
        cmocka_unit_test(test_greedy_takes_the_lowest_of_equals),
        cmocka_unit_test(test_infinite_logits_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
