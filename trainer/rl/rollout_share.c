/* rollout_share.c: a rollout on its way to other ranks, in the machine's own byte order:
 *   struct head, then n_tokens i32 (prompt and completion), n_tokens - n_prompt f32 of
 *   log-probabilities, the text, the verdict as JSON. */
#include "trainer/rl/rollout_share.h"

/* Enough digits that a number is read back as it was. */
enum { VERDICT_DIGITS = 17 };

struct head {
    int32_t index, n_prompt, n_tokens, grade, truncated;
    uint32_t text_bytes, verdict_bytes;
    double parts[REWARD_COUNT], reward;
};

int rollout_share(int n, int workers, int *ret)
{
    const int all = workers * world_size(), first = workers * world_rank();
    int count = 0;
    for (int i = 0; i < n; i++)
        if (i % all >= first && i % all < first + workers)
            ret[count++] = i;
    return count;
}

static void put(const struct rollout *r, int index, struct buf *out)
{
    char *verdict = r->verdict
                        ? json_dumps(r->verdict, JSON_COMPACT | JSON_REAL_PRECISION(VERDICT_DIGITS))
                        : NULL;
    struct head h = {.index = index,
                     .n_prompt = r->n_prompt,
                     .n_tokens = r->n_tokens,
                     .grade = r->grade,
                     .truncated = r->truncated,
                     .text_bytes = (uint32_t)r->text.len,
                     .verdict_bytes = verdict ? (uint32_t)strlen(verdict) : 0,
                     .reward = r->reward};
    memcpy(h.parts, r->parts, sizeof h.parts);
    buf_add(out, (const char *)&h, sizeof h);
    buf_add(out, (const char *)r->tokens, (size_t)r->n_tokens * sizeof *r->tokens);
    buf_add(out, (const char *)r->logp, (size_t)(r->n_tokens - r->n_prompt) * sizeof *r->logp);
    buf_str(out, buf_view(&r->text));
    buf_add(out, verdict, h.verdict_bytes);
    free(verdict);
}

static void take(struct str *from, void *to, size_t n)
{
    CHECK(from->len >= n);
    if (n)
        memcpy(to, from->s, n);
    *from = str_from(*from, n);
}

static void get(struct str *from, struct rollout_batch *b)
{
    struct head h;
    take(from, &h, sizeof h);
    CHECK(h.index >= 0 && h.index < b->n && h.n_prompt >= 0 && h.n_prompt <= h.n_tokens);
    struct rollout *r = &b->v[h.index];
    const size_t scored = (size_t)(h.n_tokens - h.n_prompt);
    r->n_prompt = h.n_prompt;
    r->n_tokens = h.n_tokens;
    r->grade = h.grade;
    r->truncated = h.truncated;
    r->reward = h.reward;
    memcpy(r->parts, h.parts, sizeof r->parts);
    r->tokens = xcalloc((size_t)h.n_tokens, sizeof *r->tokens);
    r->logp = xcalloc(scored, sizeof *r->logp);
    take(from, r->tokens, (size_t)h.n_tokens * sizeof *r->tokens);
    take(from, r->logp, scored * sizeof *r->logp);
    buf_add(&r->text, from->s, h.text_bytes);
    *from = str_from(*from, h.text_bytes);
    r->verdict = h.verdict_bytes ? json_loadb(from->s, h.verdict_bytes, 0, NULL) : NULL;
    *from = str_from(*from, h.verdict_bytes);
}

int rollout_exchange(struct rollout_batch *b, int workers, struct err *err)
{
    const int ranks = world_size(), n_tasks = b->n / b->group;
    if (ranks == 1)
        return 0;
    int *prompts = xcalloc((size_t)n_tasks, sizeof *prompts);
    size_t *bytes = xcalloc((size_t)ranks, sizeof *bytes);
    int64_t *tokens = xcalloc((size_t)ranks, sizeof *tokens);
    struct buf mine = {0}, all = {0};
    const int count = rollout_share(n_tasks, workers, prompts);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < b->group; k++) {
            const int at = prompts[i] * b->group + k;
            put(&b->v[at], at, &mine);
        }
    int rc =
        world_agree(mine.len < INT32_MAX ? 0
                                         : err_set(err, -EFBIG,
                                                   "a rank's completions of one step take more "
                                                   "than 2 GiB"),
                    err);
    if (rc == 0) {
        world_gather_bytes(buf_view(&mine), &all, bytes);
        world_gather(&b->tokens_sampled, sizeof b->tokens_sampled, tokens);
        struct str left = buf_view(&all);
        b->tokens_sampled = 0;
        for (int r = 0; r < ranks; r++) {
            struct str part = str_make(left.s, bytes[r]);
            while (r != world_rank() && part.len)
                get(&part, b);
            left = str_from(left, bytes[r]);
            b->tokens_sampled += tokens[r];
        }
    }
    buf_free(&mine);
    buf_free(&all);
    free(prompts);
    free(bytes);
    free(tokens);
    return rc;
}
