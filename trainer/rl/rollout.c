#include "trainer/rl/rollout.h"

#include <math.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "trainer/rl/rollout_share.h"
#include "trainer/rl/sampling.h"
#include "trainer/rl/verifiers.h"

static const char *const reward_names[] = REWARD_NAMES;

/* How often a wait for verdicts looks whether the run was stopped or the verifier died. */
#define GRADE_POLL_S 0.5

struct sampling {
    struct rl_run *run;
    const struct rollout_request *req;
    struct rollout_batch *batch;
    int *prompts; /* of the batch, those that this rank samples */
    int n_prompts;
};

/* On a worker's thread, the moment a completion ends. */
static void on_sampled(void *ctx, int prompt, int k, const struct completion *c)
{
    const struct sampling *s = ctx;
    struct rollout *r = &s->batch->v[s->prompts[prompt] * s->batch->group + k];
    const struct ids *p = &r->task->tokens;
    r->n_prompt = p->n;
    r->n_tokens = p->n + c->n_tokens;
    r->truncated = c->truncated;
    r->tokens = xcalloc((size_t)r->n_tokens, sizeof *r->tokens);
    r->logp = xcalloc((size_t)c->n_tokens, sizeof *r->logp);
    memcpy(r->tokens, p->v, (size_t)p->n * sizeof *r->tokens);
    memcpy(r->tokens + p->n, c->tokens, (size_t)c->n_tokens * sizeof *r->tokens);
    memcpy(r->logp, c->logp, (size_t)c->n_tokens * sizeof *r->logp);
    tok_decode(s->run->tok, c->tokens, c->n_tokens, false, &r->text);
    client_grade(s->run->client, r->task->id, buf_view(&r->text).s, r->text.len, r);
}

static bool at_stop(void *ctx, const int32_t *tokens, int n)
{
    const struct sampling *s = ctx;
    return rl_reached_stop(s->run->tok, &s->req->sampling.stop, tokens, n);
}

static int sample(struct rl_run *run, const struct rollout_request *req, struct rollout_batch *b,
                  struct err *err)
{
    struct sample_prompt *prompts = xcalloc((size_t)req->n_tasks, sizeof *prompts);
    struct sampling ctx = {.run = run, .req = req, .batch = b};
    ctx.prompts = xcalloc((size_t)req->n_tasks, sizeof *ctx.prompts);
    ctx.n_prompts = rollout_share(req->n_tasks, team_size(run->team), ctx.prompts);
    for (int i = 0; i < ctx.n_prompts; i++) {
        const int at = ctx.prompts[i];
        const struct ids *p = &req->tasks[at]->tokens;
        prompts[i] =
            (struct sample_prompt){.tokens = p->v, .n_tokens = p->n, .stream = req->streams[at]};
    }
    struct sample_options opt = rl_sample_options(&req->sampling, req->seed);
    opt.stop = run->stop;
    opt.ends = req->sampling.stop.n ? at_stop : NULL;
    int64_t tokens = 0;
    int rc = sample_run(&run->model, run->team, &opt, prompts, ctx.n_prompts, req->group,
                        on_sampled, &ctx, &tokens, err);
    b->tokens_sampled = tokens;
    free(ctx.prompts);
    free(prompts);
    return rc;
}

static void take_verdict(const struct rollout_request *req, struct client_verdict *v)
{
    struct rollout *r = v->cookie;
    struct str text = buf_view(&r->text);
    r->verdict = v->verdict;
    if (r->verdict) /* the verifier counted within its request, whose make-up is chance */
        json_object_set_new(r->verdict, "sample", json_integer(r->sample));
    r->grade = isnan(v->reward) ? -1 : v->grade;
    r->parts[REWARD_GRADE] = v->reward;
    r->parts[REWARD_FORMAT] = rl_reward_format(text);
    r->parts[REWARD_LANGUAGE] = rl_reward_language(str_of(r->task->prompt), text);
    r->parts[REWARD_OVERLONG] =
        rl_reward_overlong(r->n_tokens - r->n_prompt, req->sampling.max_new, req->overlong_buffer);
    r->parts[REWARD_MATH] = NAN; /* not every problem has an answer */
    if (req->weights[REWARD_MATH] != 0)
        r->parts[REWARD_MATH] =
            rl_reward_math(str_of(r->task->demonstration ? r->task->demonstration : ""), text);
}

/* By the answer where that is rewarded and the problem has one, else by the grade. */
static bool is_right(const struct rollout_request *req, const struct rollout *r)
{
    const double answer = r->parts[REWARD_MATH];
    return req->weights[REWARD_MATH] != 0 && !isnan(answer) ? answer > 0
                                                            : r->grade >= GRADE_CORRECT;
}

/* Those that need to know whether the completion is right, by the answer where that is rewarded, and
 * how long the others of its group are; and the sum. */
static void reward_group(const struct rollout_request *req, struct rollout *group)
{
    int shortest = INT32_MAX, longest = 0;
    for (int i = 0; i < req->group; i++) {
        const int length = group[i].n_tokens - group[i].n_prompt;
        shortest = length < shortest ? length : shortest;
        longest = length > longest ? length : longest;
    }
    for (int i = 0; i < req->group; i++) {
        struct rollout *r = &group[i];
        const int length = r->n_tokens - r->n_prompt;
        r->right = is_right(req, r);
        r->parts[REWARD_COSINE] = rl_reward_cosine(length, req->sampling.max_new, r->right);
        r->parts[REWARD_LENGTH] = rl_reward_length(length, shortest, longest, r->right);
        r->reward = 0;
        for (int k = 0; k < REWARD_COUNT; k++)
            r->reward +=
                k == REWARD_GRADE || req->weights[k] != 0 ? req->weights[k] * r->parts[k] : 0;
    }
}

/* Takes every verdict that was asked for, also after a failure, so that no later batch meets a
 * stranger's. */
static int collect(struct rl_run *run, const struct rollout_request *req, struct err *err)
{
    for (;;) {
        struct client_verdict v;
        int rc = client_wait(run->client, GRADE_POLL_S, &v, err);
        if (rc == -EAGAIN)
            return 0;
        if (rc == 0)
            take_verdict(req, &v);
        else if (rc != -ETIMEDOUT) {
            struct err why;
            if (run->verifier && verifier_process_check(run->verifier, &why) < 0)
                return err_set(err, rc, "%s", why.text);
            return rc;
        }
        verifiers_look(run);
        TRY(rl_run_stopped(run, err));
    }
}

/* 0 (no reason) also for a word that this build does not know. */
static enum reason reason_of(const json_t *verdict)
{
    static const char *const names[] = REASON_NAMES;
    const char *name = json_string_value(json_object_get(verdict, "reason"));
    for (int i = 1; name && i < REASON_COUNT; i++)
        if (strcmp(names[i], name) == 0)
            return (enum reason)i;
    return REASON_NONE;
}

static void count(const struct rollout_batch *b, struct rollout_stats *s)
{
    s->n = b->n;
    s->shortest = s->terminated_shortest = INT32_MAX;
    for (int i = 0; i < b->n; i++) {
        const struct rollout *r = &b->v[i];
        int length = r->n_tokens - r->n_prompt;
        s->tokens += length;
        s->longest = length > s->longest ? length : s->longest;
        s->shortest = length < s->shortest ? length : s->shortest;
        s->truncated += r->truncated;
        if (!r->truncated) {
            s->terminated_tokens += length;
            s->terminated_longest = length > s->terminated_longest ? length : s->terminated_longest;
            s->terminated_shortest =
                length < s->terminated_shortest ? length : s->terminated_shortest;
        }
        if (r->grade < 0) {
            s->infra++;
            continue;
        }
        s->grades[r->grade]++;
        s->right += r->right;
        s->reasons[reason_of(r->verdict)]++;
        for (int k = 0; k < REWARD_COUNT; k++) {
            s->part_sum[k] += r->parts[k];
            s->part_squares[k] += r->parts[k] * r->parts[k];
        }
    }
}

int rollout_run(struct rl_run *run, const struct rollout_request *req, struct rollout_batch *ret,
                struct rollout_stats *stats, struct err *err)
{
    struct rollout_batch b = {.n = req->n_tasks * req->group, .group = req->group};
    b.v = xcalloc((size_t)b.n, sizeof *b.v);
    for (int i = 0; i < b.n; i++)
        b.v[i] = (struct rollout){.task = req->tasks[i / req->group],
                                  .sample = i % req->group,
                                  .grade = -1,
                                  .reward = NAN,
                                  .parts = {[REWARD_GRADE] = NAN}};
    double start = wall_s();
    int rc = sample(run, req, &b, err);
    double sampled = wall_s();
    if (rc == 0)
        rc = rl_run_stopped(run, err);
    if (rc == 0)
        rc = collect(run, req, err);
    if (rc == 0)
        verifiers_look(run);
    rc = world_agree(rc, err);
    if (rc == 0)
        rc = rollout_exchange(&b, team_size(run->team), err);
    if (rc < 0) {
        /* The run ends here; verdicts on their way still point into the batch, so it is not
         * freed before the client is stopped. */
        client_stop(run->client);
        run->client = NULL;
        rollout_free(&b);
        return rc;
    }
    *stats =
        (struct rollout_stats){.sample_s = sampled - start, .grade_wait_s = wall_s() - sampled};
    for (int i = 0; i < b.n; i += b.group)
        reward_group(req, b.v + i);
    count(&b, stats);
    run->tokens_sampled += b.tokens_sampled;
    run->verdicts += b.n - stats->infra;
    run->infra += stats->infra;
    *ret = b;
    return 0;
}

void rollout_free(struct rollout_batch *b)
{
    for (int i = 0; i < b->n; i++) {
        free(b->v[i].tokens);
        free(b->v[i].logp);
        buf_free(&b->v[i].text);
        json_decref(b->v[i].verdict);
    }
    free(b->v);
    *b = (struct rollout_batch){0};
}

static json_t *json_text(struct str text)
{
    struct buf clean = {0};
    utf8_clean(text, &clean);
    json_t *json = json_stringn(buf_view(&clean).s, clean.len);
    buf_free(&clean);
    return json;
}

json_t *rollout_json(const struct rollout *r)
{
    json_t *line = json_object(), *rewards = json_object();
    json_object_set_new(line, "task_id", json_string(r->task->id));
    json_object_set_new(line, "prompt", json_string(r->task->prompt));
    json_object_set_new(line, "completion", json_text(buf_view(&r->text)));
    json_object_set_new(line, "truncated", json_boolean(r->truncated));
    json_object_set(line, "verdict", r->verdict ? r->verdict : json_null());
    for (int k = 0; k < REWARD_COUNT; k++)
        json_set_number(rewards, reward_names[k], r->parts[k]);
    json_set_number(rewards, "total", r->reward);
    json_object_set_new(line, "rewards", rewards);
    json_set_number(line, "advantage", r->advantage);
    return line;
}
