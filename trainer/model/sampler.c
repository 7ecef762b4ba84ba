/* sampler.c: continuous batching. Prompt i belongs to worker i mod team size; a worker takes the
 * completions of its prompts in order, keeps up to rows_max of them in flight, and gives the place
 * of a finished one to the next.
 *
 * A prompt's tokens but the last are run once into a key/value segment that all its completions
 * read. A completion starts by feeding the last prompt token and has a segment of its own for
 * everything from there on. Since a row's bits do not depend on its neighbours, and each completion
 * draws from a stream of its own, what is sampled depends on neither rows_max nor the team. */
#include "trainer/model/model.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "trainer/kernels/pages.h"
#include "trainer/kernels/team.h"
#include "trainer/model/decode.h"
#include "trainer/model/draw.h"

enum { PREFILL_ROWS = 256, ROWS_MAX = 1 << 14 };

/* What the workers share. */
struct sampling {
    const struct model *m;
    const struct sample_options *opt;
    const struct sample_prompt *prompts;
    int n_prompts, group, workers;
    int prompt_tokens_max;
    struct packed_model *packed;
    sample_done done;
    void *ctx;
    atomic_bool failed; /* some logits were not finite */
    _Atomic int64_t tokens;
};

/* Keys and values of one prompt, shared by its completions. */
struct prefix {
    struct kv_segment kv;
    int users; /* completions that are yet to end, 0: free */
};

/* One completion in flight. */
struct row {
    int prompt, k, n, budget; /* tokens so far, tokens allowed */
    struct rng rng;
    struct prefix *prefix;
    struct kv_segment own;
    int32_t *tokens;
    float *logp;
};

struct worker {
    const struct sampling *s;
    int index;
    int next_prompt, next_k; /* the next completion to take in; next_prompt >= n_prompts: none */
    struct prefix *current;  /* of next_prompt, once its first completion is taken in */
    struct row *rows;        /* rows[0 .. n_live) are in flight */
    int n_live, rows_max;
    struct prefix *prefixes;
    int n_prefixes;
    struct decoder *decoder;
    struct decode_row *step; /* rows_max or PREFILL_ROWS entries, whichever is more */
    float *logits, *scratch;
    float *penalised; /* one row of logits, NULL without a penalty */
    int *seen;        /* by token: the turn in which it was penalised last */
    int turn;
    float *cache; /* the memory of all segments */
    size_t cache_bytes;
};

/* ---- a worker's memory ---------------------------------------------------------------------- */

static int prompts_of(const struct sampling *s, int index)
{
    return index < s->n_prompts ? (s->n_prompts - index + s->workers - 1) / s->workers : 0;
}

static bool has_penalty(const struct sample_options *o)
{
    return o->repetition_penalty > 0 && (o->repetition_penalty < 1 || o->repetition_penalty > 1);
}

/* Completions in flight at once, and prompts that are in use by them. */
static void set_places(struct worker *w)
{
    const int prompts = prompts_of(w->s, w->index), rows_max = w->s->opt->rows_max;
    const int64_t wanted = (int64_t)prompts * w->s->group;
    w->rows_max = rows_max < wanted ? rows_max : (int)wanted;
    /* Every live prompt has a row in flight, but for one whose last row has just ended. */
    w->n_prefixes = w->rows_max + 1 < prompts ? w->rows_max + 1 : prompts;
}

static int decoder_rows(const struct worker *w)
{
    return w->rows_max > PREFILL_ROWS ? w->rows_max : PREFILL_ROWS;
}

struct sample_memory sample_memory(const struct model *m, int workers, int rows_max, int n_prompts,
                                   int group, int prompt_tokens, int max_new)
{
    const struct sample_options opt = {.rows_max = rows_max};
    const struct sampling s = {
        .m = m, .opt = &opt, .n_prompts = n_prompts, .group = group, .workers = workers};
    struct sample_memory all = {.packed = packed_model_bytes(m)};
    for (int i = 0; i < workers && i < n_prompts; i++) {
        struct worker w = {.s = &s, .index = i};
        set_places(&w);
        all.cache += sizeof(float) * (kv_floats(m, max_new) * (size_t)w.rows_max +
                                      kv_floats(m, prompt_tokens) * (size_t)w.n_prefixes);
        all.buffers += decoder_bytes(m, prompt_tokens + max_new, decoder_rows(&w)) +
                       sizeof(float) * ((size_t)w.rows_max * (size_t)(m->cfg.vocab + 2 * max_new) +
                                        (size_t)draw_scratch_size(m->cfg.vocab));
    }
    return all;
}

static struct worker *worker_new(const struct sampling *s, int index)
{
    struct worker *w = xcalloc(1, sizeof *w);
    const int cap = kv_cap(s->opt->max_new), v = s->m->cfg.vocab;
    w->s = s;
    w->index = w->next_prompt = index;
    set_places(w);
    size_t own = kv_floats(s->m, cap), shared = kv_floats(s->m, s->prompt_tokens_max);
    size_t floats = own * (size_t)w->rows_max + shared * (size_t)w->n_prefixes;
    w->cache_bytes = floats * sizeof(float);
    w->cache = pages_take(w->cache_bytes);
    w->rows = xcalloc((size_t)w->rows_max, sizeof *w->rows);
    w->prefixes = xcalloc((size_t)w->n_prefixes, sizeof *w->prefixes);
    float *at = w->cache;
    for (int i = 0; i < w->n_prefixes; i++, at += shared)
        w->prefixes[i].kv = kv_segment_at(s->m, s->prompt_tokens_max, at);
    for (int i = 0; i < w->rows_max; i++, at += own) {
        w->rows[i].own = kv_segment_at(s->m, cap, at);
        w->rows[i].tokens = xcalloc((size_t)s->opt->max_new, sizeof(int32_t));
        w->rows[i].logp = xcalloc((size_t)s->opt->max_new, sizeof(float));
    }
    w->decoder = decoder_new(s->packed, decoder_rows(w));
    w->step = xcalloc((size_t)decoder_rows(w), sizeof *w->step);
    w->logits = xcalloc((size_t)w->rows_max * (size_t)v, sizeof(float));
    w->scratch = xcalloc((size_t)draw_scratch_size(v), sizeof(float));
    if (has_penalty(s->opt)) {
        w->penalised = xcalloc((size_t)v, sizeof(float));
        w->seen = xcalloc((size_t)v, sizeof *w->seen);
    }
    return w;
}

static void worker_free(struct worker *w)
{
    for (int i = 0; i < w->rows_max; i++) {
        free(w->rows[i].tokens);
        free(w->rows[i].logp);
    }
    pages_give(w->cache, w->cache_bytes);
    decoder_free(w->decoder);
    free(w->rows);
    free(w->prefixes);
    free(w->step);
    free(w->logits);
    free(w->scratch);
    free(w->penalised);
    free(w->seen);
    free(w);
}

/* ---- taking in ------------------------------------------------------------------------------ */

static struct prefix *free_prefix(struct worker *w)
{
    for (int i = 0; i < w->n_prefixes; i++)
        if (w->prefixes[i].users == 0)
            return &w->prefixes[i];
    CHECK(!"a free prefix is always left");
    return NULL;
}

/* Fills the batch. Prompts that are new go through prefill together, in chunks. */
static void take_in(struct worker *w)
{
    const struct sampling *s = w->s;
    int n = 0;
    while (w->n_live < w->rows_max && w->next_prompt < s->n_prompts) {
        const struct sample_prompt *p = &s->prompts[w->next_prompt];
        if (w->next_k == 0) {
            w->current = free_prefix(w);
            w->current->users = s->group;
            w->current->kv.n = p->n_tokens - 1;
            for (int i = 0; i < p->n_tokens - 1; i++) {
                w->step[n++] = (struct decode_row){p->tokens[i], i, NULL, &w->current->kv};
                if (n == PREFILL_ROWS) {
                    decoder_step(w->decoder, w->step, n, NULL);
                    n = 0;
                }
            }
        }
        struct row *r = &w->rows[w->n_live++];
        const int room = s->m->cfg.max_positions - p->n_tokens + 1;
        r->prompt = w->next_prompt;
        r->k = w->next_k;
        r->n = 0;
        r->budget = s->opt->max_new < room ? s->opt->max_new : room;
        r->rng = rng_make(s->opt->seed, p->stream + (uint64_t)w->next_k);
        r->prefix = w->current;
        if (++w->next_k == s->group) {
            w->next_k = 0;
            w->next_prompt += s->workers;
        }
    }
    if (n > 0)
        decoder_step(w->decoder, w->step, n, NULL);
}

/* ---- handing out ---------------------------------------------------------------------------- */

/* Reports row i as ended and moves the last row into its place. */
static void retire(struct worker *w, int i, bool truncated)
{
    struct row ended = w->rows[i];
    struct completion c = {ended.tokens, ended.logp, ended.n, truncated};
    w->s->done(w->s->ctx, ended.prompt, ended.k, &c);
    ended.prefix->users--;
    w->rows[i] = w->rows[--w->n_live];
    w->rows[w->n_live] = ended;
}

/* After `stop`: what is in flight ends as it is, what waits ends empty. Every completion is
 * reported exactly once. */
static void abandon(struct worker *w)
{
    const struct sampling *s = w->s;
    while (w->n_live > 0)
        retire(w, w->n_live - 1, true);
    for (; w->next_prompt < s->n_prompts; w->next_prompt += s->workers, w->next_k = 0)
        for (; w->next_k < s->group; w->next_k++)
            s->done(s->ctx, w->next_prompt, w->next_k,
                    &(struct completion){w->rows[0].tokens, w->rows[0].logp, 0, true});
}

static void penalise(struct worker *w, const int32_t *tokens, int n)
{
    const float penalty = w->s->opt->repetition_penalty;
    for (int i = 0; i < n; i++) {
        float *x = &w->penalised[tokens[i]];
        if (w->seen[tokens[i]] == w->turn)
            continue;
        w->seen[tokens[i]] = w->turn;
        *x = *x > 0 ? *x / penalty : *x * penalty;
    }
}

/* The next token of a row, its log-probability in *ret_logp; -1: the logits are not finite. */
static int32_t draw(struct worker *w, struct row *r, const float *logits, float *ret_logp)
{
    const struct sampling *s = w->s;
    const struct sample_options *o = s->opt;
    const struct draw_options how = {o->temperature, o->top_p, o->min_p, o->top_k};
    const int v = s->m->cfg.vocab;
    if (!w->penalised)
        return draw_token(&how, v, logits, &r->rng, w->scratch, ret_logp);
    const struct sample_prompt *p = &s->prompts[r->prompt];
    w->turn++;
    memcpy(w->penalised, logits, (size_t)v * sizeof *logits);
    penalise(w, p->tokens, p->n_tokens);
    penalise(w, r->tokens, r->n);
    int32_t token = draw_token(&how, v, w->penalised, &r->rng, w->scratch, ret_logp);
    if (token >= 0)
        *ret_logp = draw_logp(v, logits, o->temperature, token, w->scratch);
    return token;
}

/* One token for every row in flight. Returns false when the logits were not finite. */
static bool advance(struct worker *w)
{
    const struct sampling *s = w->s;
    const int v = s->m->cfg.vocab, eos = s->m->cfg.eos_id;
    for (int i = 0; i < w->n_live; i++) {
        struct row *r = &w->rows[i];
        const struct sample_prompt *p = &s->prompts[r->prompt];
        int32_t token = r->n ? r->tokens[r->n - 1] : p->tokens[p->n_tokens - 1];
        w->step[i] = (struct decode_row){token, p->n_tokens - 1 + r->n, &r->prefix->kv, &r->own};
    }
    decoder_step(w->decoder, w->step, w->n_live, w->logits);
    /* From the last row down, so that a retired row's place is filled by one that has had its turn.
     */
    for (int i = w->n_live - 1; i >= 0; i--) {
        struct row *r = &w->rows[i];
        int32_t token = draw(w, r, w->logits + (size_t)i * (size_t)v, &r->logp[r->n]);
        if (token < 0)
            return false;
        r->tokens[r->n++] = token;
        const bool ended = token == eos || (s->opt->ends && s->opt->ends(s->ctx, r->tokens, r->n));
        if (ended || r->n == r->budget)
            retire(w, i, !ended);
    }
    return true;
}

static void sample_worker(void *ctx, int index)
{
    struct sampling *s = ctx;
    int64_t tokens = 0;
    if (prompts_of(s, index) == 0)
        return;
    struct worker *w = worker_new(s, index);
    while (!atomic_load(&s->failed)) {
        if (s->opt->stop && s->opt->stop(s->ctx)) {
            abandon(w);
            break;
        }
        take_in(w);
        if (w->n_live == 0)
            break;
        tokens += w->n_live;
        if (!advance(w))
            atomic_store(&s->failed, true);
    }
    atomic_fetch_add(&s->tokens, tokens);
    worker_free(w);
}

static int check_request(const struct model *m, const struct sample_options *o,
                         const struct sample_prompt *prompts, int n_prompts, int group,
                         struct err *err)
{
    if (n_prompts < 0 || group < 1 || o->max_new < 1 || o->rows_max < 1 || o->rows_max > ROWS_MAX)
        return err_set(err, -EINVAL,
                       "sampling needs group >= 1, max_new >= 1 and rows_max between 1 and %d",
                       ROWS_MAX);
    if (!(o->temperature >= 0) || !(o->top_p > 0) || o->top_k < 0 || !(o->min_p >= 0) ||
        o->min_p > 1 || !(o->repetition_penalty >= 0))
        return err_set(err, -EINVAL,
                       "sampling needs temperature >= 0, top_p > 0, top_k >= 0, min_p between 0 "
                       "and 1, and repetition_penalty >= 0");
    for (int i = 0; i < n_prompts; i++) {
        if (prompts[i].n_tokens < 1)
            return err_set(err, -EINVAL, "prompt %d has no token", i);
        if (prompts[i].n_tokens > m->cfg.max_positions)
            return err_set(err, -EINVAL, "prompt %d has %d tokens, the model's positions end at %d",
                           i, prompts[i].n_tokens, m->cfg.max_positions);
        for (int j = 0; j < prompts[i].n_tokens; j++)
            if (prompts[i].tokens[j] < 0 || prompts[i].tokens[j] >= m->cfg.vocab)
                return err_set(err, -EINVAL, "prompt %d has token %d, outside the vocabulary of %d",
                               i, prompts[i].tokens[j], m->cfg.vocab);
    }
    return 0;
}

int sample_run(const struct model *m, struct team *team, const struct sample_options *opt,
               const struct sample_prompt *prompts, int n_prompts, int group, sample_done done,
               void *ctx, int64_t *ret_tokens, struct err *err)
{
    TRY(check_request(m, opt, prompts, n_prompts, group, err));
    struct sampling s = {.m = m,
                         .opt = opt,
                         .prompts = prompts,
                         .n_prompts = n_prompts,
                         .group = group,
                         .workers = team_size(team),
                         .done = done,
                         .ctx = ctx};
    for (int i = 0; i < n_prompts; i++)
        if (prompts[i].n_tokens > s.prompt_tokens_max)
            s.prompt_tokens_max = prompts[i].n_tokens;
    s.packed = packed_model_new(m, s.prompt_tokens_max + opt->max_new, team);
    team_run(team, sample_worker, &s);
    packed_model_free(s.packed);
    if (s.failed)
        return err_set(err, -EDOM, "the model's logits are not finite: its weights have diverged");
    if (ret_tokens)
        *ret_tokens = s.tokens;
    return 0;
}
