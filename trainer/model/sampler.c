/* sampler.c: continuous batching. A worker that has room claims the next prompt, takes its completions
 * in order, keeps up to rows_max of them in flight, and gives the place of a finished one to the next.
 * One that has none left, when all prompts are claimed, waits until another hands it half of its own.
 *
 * A prompt's tokens but the last are run once into a key/value segment that all its completions
 * read. They start by feeding the last prompt token, and have another segment for everything from
 * there on.
 *
 * Completions of one prompt that have drawn the same tokens so far are siblings: they have the same
 * next logits, so they are one row of the batch, from which each draws by a stream of its own. Those
 * that draw another token than the others leave with a copy of the row's segment. A model that is
 * sure of most tokens, as one is that has been trained for its task, is run for a fraction of what it
 * samples.
 *
 * A row's bits do not depend on its neighbours, so what is sampled depends on neither rows_max nor the
 * team, nor on who claimed what or had siblings. */
#include "trainer/model/model.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "trainer/kernels/pages.h"
#include "trainer/kernels/team.h"
#include "trainer/model/decode.h"
#include "trainer/model/draw.h"

/* Fewer than SHARED_ROWS_MIN rows are not worth halving: a step's cost is then mostly that of reading the weights. */
enum { PREFILL_ROWS = 256, ROWS_MAX = 1 << 14, SHARED_ROWS_MIN = 8 };

/* What the workers share. */
struct sampling {
    const struct model *m;
    const struct sample_options *opt;
    const struct sample_prompt *prompts;
    int n_prompts, group, n_workers;
    struct team *team;
    int prompt_tokens_max;
    struct packed_model *packed;
    struct sibling *siblings; /* [n_prompts, group] */
    sample_done done;
    void *ctx;
    atomic_bool failed; /* some logits were not finite */
    _Atomic int64_t tokens;
    struct worker **workers;
    pthread_mutex_t lock;   /* of what follows, and of a waiting worker's rows */
    pthread_cond_t changed; /* rows were handed over, or nobody has any left */
    int next_prompt;        /* the first that nobody has claimed */
    int working;            /* workers that have rows or may still claim some */
    struct worker *waiting; /* for rows, linked by next_waiting */
    atomic_int n_waiting;
};

/* Keys and values of one prompt, shared by its completions. */
struct prefix {
    struct kv_segment kv;
    atomic_int users; /* completions that are yet to end, of whatever worker; 0: free */
};

/* One completion. */
struct sibling {
    struct rng rng;
    struct sibling *next; /* of the same row */
};

/* Completions in flight that are the same so far. */
struct row {
    struct sibling *siblings; /* one at least */
    int n_siblings;
    int prompt, n, budget; /* tokens so far, tokens allowed */
    struct prefix *prefix;
    struct kv_segment own;
    int32_t *tokens;
    float *logp;
};

struct worker {
    struct sampling *s;
    int prompt,
        next_k; /* the next completion to take in; next_k == group: the prompt is done with */
    struct prefix *current; /* of the prompt, once its first completion is taken in */
    struct row *rows;       /* rows[0 .. n_live) are in flight */
    int n_live, rows_max;
    int in_flight; /* completions, n_live <= in_flight <= rows_max: each may come to need a row */
    struct worker *next_waiting;
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

static bool has_penalty(const struct sample_options *o)
{
    return o->repetition_penalty > 0 && (o->repetition_penalty < 1 || o->repetition_penalty > 1);
}

/* Completions in flight at once, no more than an even share of all, and prompts that are in use by them. */
static void set_places(const struct sampling *s, struct worker *w)
{
    const int prompts = (s->n_prompts + s->n_workers - 1) / s->n_workers;
    const int64_t wanted = (int64_t)prompts * s->group;
    w->rows_max = s->opt->rows_max < wanted ? s->opt->rows_max : (int)wanted;
    /* Every prompt that a worker has claimed has a row in flight, but for the last one, which may have but completions that wait
     * for room; rows are handed over only when there is no prompt left to claim. */
    w->n_prefixes = w->rows_max + 1 < s->n_prompts ? w->rows_max + 1 : s->n_prompts;
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
        .m = m, .opt = &opt, .n_prompts = n_prompts, .group = group, .n_workers = workers};
    struct sample_memory all = {.packed = packed_model_bytes(m)};
    for (int i = 0; i < workers && i < n_prompts; i++) {
        struct worker w = {0};
        set_places(&s, &w);
        all.cache += sizeof(float) * (kv_floats(m, max_new) * (size_t)w.rows_max +
                                      kv_floats(m, prompt_tokens) * (size_t)w.n_prefixes);
        all.buffers += decoder_bytes(m, prompt_tokens + max_new, decoder_rows(&w)) +
                       sizeof(float) * ((size_t)w.rows_max * (size_t)(m->cfg.vocab + 2 * max_new) +
                                        (size_t)draw_scratch_size(m->cfg.vocab));
    }
    all.buffers += sizeof(struct sibling) * (size_t)n_prompts * (size_t)group;
    return all;
}

static struct worker *worker_new(struct sampling *s)
{
    struct worker *w = xcalloc(1, sizeof *w);
    const int cap = kv_cap(s->opt->max_new), v = s->m->cfg.vocab;
    w->s = s;
    w->next_k = s->group;
    set_places(s, w);
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
    if (!w)
        return;
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
        if (atomic_load(&w->prefixes[i].users) == 0)
            return &w->prefixes[i];
    CHECK(!"a free prefix is always left");
    return NULL;
}

/* Whether there is a completion to take in: of the prompt at hand, or of one that nobody has claimed. */
static bool claim(struct worker *w)
{
    struct sampling *s = w->s;
    if (w->next_k < s->group)
        return true;
    pthread_mutex_lock(&s->lock);
    const bool left = s->next_prompt < s->n_prompts;
    if (left) {
        w->prompt = s->next_prompt++;
        w->next_k = 0;
    }
    pthread_mutex_unlock(&s->lock);
    return left;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Only completions that start together can be siblings: what is left of a group waits until it may,
 * but for no more than half of the places. */
static bool has_room(const struct worker *w)
{
    const int group = w->s->group, left = w->next_k < group ? group - w->next_k : group;
    return w->rows_max - w->in_flight >= least(left, (w->rows_max + 1) / 2);
}

/* Lays the prompt's tokens but the last out for a pass that fills its prefix, and makes the pass
 * whenever it is full. Returns how many tokens are laid out now. */
static int start_prompt(struct worker *w, const struct sample_prompt *p, int n)
{
    w->current = free_prefix(w);
    atomic_store(&w->current->users, w->s->group);
    w->current->kv.n = p->n_tokens - 1;
    for (int i = 0; i < p->n_tokens - 1; i++) {
        w->step[n++] = (struct decode_row){p->tokens[i], i, NULL, &w->current->kv};
        if (n == PREFILL_ROWS) {
            decoder_step(w->decoder, w->step, n, NULL);
            n = 0;
        }
    }
    return n;
}

static void join(struct row *r, struct sibling *one)
{
    one->next = r->siblings;
    r->siblings = one;
    r->n_siblings++;
}

/* A row of as many completions of the prompt at hand as there is room for. */
static void start_row(struct worker *w, const struct sample_prompt *p)
{
    const struct sampling *s = w->s;
    const int room = s->m->cfg.max_positions - p->n_tokens + 1;
    struct row *r = &w->rows[w->n_live++];
    r->siblings = NULL;
    r->n_siblings = 0;
    r->prompt = w->prompt;
    r->n = 0;
    r->budget = least(s->opt->max_new, room);
    r->prefix = w->current;
    for (; w->next_k < s->group && w->in_flight < w->rows_max; w->next_k++, w->in_flight++) {
        struct sibling *one =
            &s->siblings[(size_t)w->prompt * (size_t)s->group + (size_t)w->next_k];
        one->rng = rng_make(s->opt->seed, p->stream + (uint64_t)w->next_k);
        join(r, one);
    }
}

/* Fills the batch. Prompts that are new go through prefill together, in chunks. */
static void take_in(struct worker *w)
{
    int n = 0;
    while (has_room(w) && claim(w)) {
        const struct sample_prompt *p = &w->s->prompts[w->prompt];
        if (w->next_k == 0)
            n = start_prompt(w, p, n);
        start_row(w, p);
    }
    if (n > 0)
        decoder_step(w->decoder, w->step, n, NULL);
}

/* ---- handing out ---------------------------------------------------------------------------- */

/* Rows keep their order, so that those of one prompt stay together and read its keys and values in turn. */
static void move_row(struct row *rows, int from, int to)
{
    const struct row moved = rows[from];
    if (from < to)
        memmove(rows + from, rows + from + 1, (size_t)(to - from) * sizeof *rows);
    else
        memmove(rows + to + 1, rows + to, (size_t)(from - to) * sizeof *rows);
    rows[to] = moved;
}

/* Reports the completions of row i as ended. */
static void retire(struct worker *w, int i, bool truncated)
{
    const struct sampling *s = w->s;
    const struct row *r = &w->rows[i];
    const struct completion c = {r->tokens, r->logp, r->n, truncated};
    for (const struct sibling *one = r->siblings; one; one = one->next)
        s->done(s->ctx, r->prompt, (int)((one - s->siblings) % s->group), &c);
    atomic_fetch_sub(&r->prefix->users, r->n_siblings);
    w->in_flight -= r->n_siblings;
    move_row(w->rows, i, --w->n_live);
}

/* After `stop`: what is in flight ends as it is, what waits ends empty. Every completion is
 * reported exactly once. */
static void abandon(struct worker *w)
{
    const struct sampling *s = w->s;
    while (w->n_live > 0)
        retire(w, w->n_live - 1, true);
    for (; claim(w); w->next_k++)
        s->done(s->ctx, w->prompt, w->next_k,
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

/* What the completions of a row draw from, and what says how likely a token is under the temperature
 * alone: the same, but for a penalty. false: the logits are not finite. */
static bool make_draw(struct worker *w, const struct row *r, const float *logits, struct draw *ret,
                      struct draw *ret_plain)
{
    const struct sampling *s = w->s;
    const struct sample_options *o = s->opt;
    const struct draw_options how = {o->temperature, o->top_p, o->min_p, o->top_k};
    const int v = s->m->cfg.vocab;
    if (!w->penalised) {
        const bool finite = draw_make(&how, v, logits, w->scratch, ret);
        *ret_plain = *ret;
        return finite;
    }
    const struct draw_options plain = {.temperature = o->temperature, .top_p = 1};
    const struct sample_prompt *p = &s->prompts[r->prompt];
    w->turn++;
    memcpy(w->penalised, logits, (size_t)v * sizeof *logits);
    penalise(w, p->tokens, p->n_tokens);
    penalise(w, r->tokens, r->n);
    return draw_make(&plain, v, logits, w->scratch, ret_plain) &&
           draw_make(&how, v, w->penalised, w->scratch, ret);
}

/* Makes row `at` one, without a completion yet, that has all of r, a row before it, but r's next token. */
static struct row *fork_row(struct worker *w, const struct row *r, int at)
{
    CHECK(w->n_live < w->rows_max);
    move_row(w->rows, w->n_live++, at);
    struct row *to = &w->rows[at];
    to->siblings = NULL;
    to->n_siblings = 0;
    to->prompt = r->prompt;
    to->n = r->n;
    to->budget = r->budget;
    to->prefix = r->prefix;
    memcpy(to->tokens, r->tokens, (size_t)r->n * sizeof *r->tokens);
    memcpy(to->logp, r->logp, (size_t)r->n * sizeof *r->logp);
    kv_copy(w->s->m, &r->own, &to->own, r->n + 1);
    return to;
}

/* Which of n rows, the first with completions, goes on with this token; n: none does. */
static int row_of_token(const struct row *rows, int n, int32_t token)
{
    int i = 0;
    while (i < n && rows[i].siblings && rows[i].tokens[rows[0].n] != token)
        i++;
    return i;
}

/* Every completion of row i draws its next token. Returns how many rows come of it, from i on; 0: the
 * logits are not finite. */
static int draw_row(struct worker *w, int i, const float *logits)
{
    struct row *r = &w->rows[i];
    struct sibling *one = r->siblings, *next;
    struct draw d, plain;
    int rows = 1;
    if (!make_draw(w, r, logits, &d, &plain))
        return 0;
    r->siblings = NULL;
    r->n_siblings = 0;
    for (; one; one = next) {
        next = one->next;
        const int32_t token = draw_next(&d, &one->rng);
        const int at = row_of_token(r, rows, token);
        struct row *to = at < rows ? r + at : fork_row(w, r, i + rows++);
        if (!to->siblings) {
            to->tokens[r->n] = token;
            to->logp[r->n] = draw_logp(&plain, token);
        }
        join(to, one);
    }
    for (int j = rows - 1; j >= 0; j--)
        r[j].n++;
    return rows;
}

/* Retires row i if its last token was its end. */
static void end_row(struct worker *w, int i)
{
    const struct sampling *s = w->s;
    const struct row *r = &w->rows[i];
    const bool ended = model_ends(&s->m->cfg, r->tokens[r->n - 1]) ||
                       (s->opt->ends && s->opt->ends(s->ctx, r->tokens, r->n));
    if (ended || r->n == r->budget)
        retire(w, i, !ended);
}

/* One token for every completion in flight. Returns false when the logits were not finite. */
static bool advance(struct worker *w)
{
    const struct sampling *s = w->s;
    const size_t v = (size_t)s->m->cfg.vocab;
    for (int i = 0; i < w->n_live; i++) {
        struct row *r = &w->rows[i];
        const struct sample_prompt *p = &s->prompts[r->prompt];
        int32_t token = r->n ? r->tokens[r->n - 1] : p->tokens[p->n_tokens - 1];
        w->step[i] = (struct decode_row){token, p->n_tokens - 1 + r->n, &r->prefix->kv, &r->own};
    }
    decoder_step(w->decoder, w->step, w->n_live, w->logits);
    /* From the last row down: those that come and go then do not move the ones that are yet to have their turn. */
    for (int i = w->n_live - 1; i >= 0; i--) {
        const int rows = draw_row(w, i, w->logits + (size_t)i * v);
        if (rows == 0)
            return false;
        for (int j = i + rows - 1; j >= i; j--)
            end_row(w, j);
    }
    return true;
}

/* ---- handing over --------------------------------------------------------------------------- */

/* Gives half of the rows to a worker that waits for some. Rows change places with what lies in the other's, so that each
 * place has its memory; the prefixes that they read stay where they are. */
static void hand_over(struct worker *w)
{
    struct sampling *s = w->s;
    if (w->n_live < SHARED_ROWS_MIN || atomic_load(&s->n_waiting) == 0)
        return;
    pthread_mutex_lock(&s->lock);
    struct worker *to = s->waiting;
    if (to) {
        s->waiting = to->next_waiting;
        atomic_fetch_sub(&s->n_waiting, 1);
        for (int left = w->n_live / 2; left > 0 && to->n_live < to->rows_max; left--) {
            struct row *mine = &w->rows[--w->n_live], *place = &to->rows[to->n_live++], row = *mine;
            *mine = *place;
            *place = row;
            w->in_flight -= row.n_siblings;
            to->in_flight += row.n_siblings;
        }
        s->working++;
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
}

/* The worker has nothing left to do. Returns whether it was given rows; else nobody has any. */
static bool wait_for_rows(struct worker *w)
{
    struct sampling *s = w->s;
    const int64_t from = wall_ns();
    pthread_mutex_lock(&s->lock);
    w->next_waiting = s->waiting;
    s->waiting = w;
    atomic_fetch_add(&s->n_waiting, 1);
    if (--s->working == 0)
        pthread_cond_broadcast(&s->changed);
    while (w->n_live == 0 && s->working > 0)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    team_waited(s->team, wall_ns() - from);
    return w->n_live > 0;
}

static void leave(struct sampling *s)
{
    pthread_mutex_lock(&s->lock);
    if (--s->working == 0)
        pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void sample_worker(void *ctx, int index)
{
    struct sampling *s = ctx;
    int64_t tokens = 0;
    if (s->n_prompts == 0)
        return;
    struct worker *w = s->workers[index] = worker_new(s);
    for (;;) {
        const bool stopped = s->opt->stop && s->opt->stop(s->ctx);
        if (stopped)
            abandon(w);
        if (stopped || atomic_load(&s->failed)) {
            leave(s);
            break;
        }
        take_in(w);
        if (w->n_live == 0) {
            if (!wait_for_rows(w))
                break;
            continue;
        }
        tokens += w->in_flight;
        if (!advance(w))
            atomic_store(&s->failed, true);
        hand_over(w);
    }
    atomic_fetch_add(&s->tokens, tokens);
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
    /* No completion is longer than the model's positions, so none needs the memory for it. */
    struct sample_options how = *opt;
    how.max_new = least(opt->max_new, m->cfg.max_positions);
    struct sampling s = {.m = m,
                         .opt = &how,
                         .prompts = prompts,
                         .n_prompts = n_prompts,
                         .group = group,
                         .n_workers = team_size(team),
                         .working = team_size(team),
                         .team = team,
                         .lock = PTHREAD_MUTEX_INITIALIZER,
                         .changed = PTHREAD_COND_INITIALIZER,
                         .done = done,
                         .ctx = ctx};
    for (int i = 0; i < n_prompts; i++)
        if (prompts[i].n_tokens > s.prompt_tokens_max)
            s.prompt_tokens_max = prompts[i].n_tokens;
    s.packed = packed_model_new(m, s.prompt_tokens_max + how.max_new, team);
    s.workers = xcalloc((size_t)s.n_workers, sizeof(struct worker *));
    s.siblings = xcalloc((size_t)n_prompts * (size_t)group, sizeof *s.siblings);
    team_run(team, sample_worker, &s);
    for (int i = 0; i < s.n_workers; i++) /* not before: they read each other's prefixes */
        worker_free(s.workers[i]);
    free(s.workers);
    free(s.siblings);
    packed_model_free(s.packed);
    if (s.failed)
        return err_set(err, -EDOM, "the model's logits are not finite: its weights have diverged");
    if (ret_tokens)
        *ret_tokens = s.tokens;
    return 0;
}
