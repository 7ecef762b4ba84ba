#include "trainer/rl/pack.h"

#include "base/check.h"

#define GROW(p, field, n) ((p)->field = xrealloc((p)->field, (size_t)(n), sizeof *(p)->field))

static void pack_reserve(struct rl_pack *p, int n_seq, int n_tokens, int n_rows)
{
    if (n_seq > p->cap_seq) {
        p->cap_seq = n_seq + n_seq / 2;
        GROW(p, start, 2 * p->cap_seq + 1); /* every sequence may bring a prompt */
        GROW(p, parent, 2 * p->cap_seq);
        GROW(p, row_start, p->cap_seq + 1);
        GROW(p, advantage, p->cap_seq);
    }
    if (n_tokens > p->cap_tokens) {
        p->cap_tokens = n_tokens + n_tokens / 2;
        GROW(p, tokens, p->cap_tokens);
    }
    if (n_rows > p->cap_rows) {
        p->cap_rows = n_rows + n_rows / 2;
        GROW(p, row, p->cap_rows);
        GROW(p, target, p->cap_rows);
        GROW(p, old_logp, p->cap_rows);
        GROW(p, ref_logp, p->cap_rows);
        GROW(p, logp, p->cap_rows);
        GROW(p, dlogp, p->cap_rows);
        GROW(p, entropy, p->cap_rows);
    }
}

bool rl_same_prompt(const struct rl_sequence *a, const struct rl_sequence *b)
{
    return a->n_prompt > 1 && a->n_prompt == b->n_prompt &&
           memcmp(a->tokens, b->tokens, (size_t)a->n_prompt * sizeof *a->tokens) == 0;
}

int rl_packed_tokens(const struct rl_sequence *s, const struct rl_sequence *before)
{
    return s->n_tokens - (before && rl_same_prompt(before, s) ? s->n_prompt : 1);
}

/* Adds s->tokens[from .. to - 1] as a sequence of the model's batch; returns its number. */
static int pack_tokens(struct rl_pack *p, const struct rl_sequence *s, int from, int to, int parent)
{
    struct model_batch *b = &p->batch;
    memcpy(p->tokens + b->n_tokens, s->tokens + from, (size_t)(to - from) * sizeof *p->tokens);
    p->start[b->n_seq] = b->n_tokens;
    p->parent[b->n_seq] = parent;
    b->n_tokens += to - from;
    return b->n_seq++;
}

/* `parent` holds the prompt but for its last token; -1: the sequence stands alone. */
static void pack_sequence(struct rl_pack *p, const struct rl_sequence *s, int parent)
{
    int from = parent < 0 ? 0 : s->n_prompt - 1, first = p->batch.n_tokens;
    pack_tokens(p, s, from, s->n_tokens - 1, parent);
    p->row_start[p->n_seq] = p->batch.n_rows;
    p->advantage[p->n_seq++] = s->advantage;
    for (int i = s->n_prompt; i < s->n_tokens; i++) {
        int j = i - s->n_prompt, row = p->batch.n_rows++;
        p->row[row] = first + i - 1 - from;
        p->target[row] = s->tokens[i];
        p->old_logp[row] = s->old_logp ? s->old_logp[j] : 0;
        p->ref_logp[row] = s->ref_logp ? s->ref_logp[j] : 0;
    }
}

void rl_pack_fill(struct rl_pack *p, const struct rl_sequence *const *seqs, int n)
{
    int n_tokens = 0, n_rows = 0, parent = -1;
    for (int i = 0; i < n; i++) {
        CHECK(seqs[i]->n_prompt > 0 && seqs[i]->n_tokens > seqs[i]->n_prompt);
        n_tokens += seqs[i]->n_tokens - 1;
        n_rows += seqs[i]->n_tokens - seqs[i]->n_prompt;
    }
    pack_reserve(p, n, n_tokens, n_rows);
    p->n_seq = 0;
    p->batch = (struct model_batch){.start = p->start,
                                    .parent = p->parent,
                                    .tokens = p->tokens,
                                    .row = p->row,
                                    .target = p->target};
    for (int i = 0; i < n; i++) {
        if (i == 0 || !rl_same_prompt(seqs[i - 1], seqs[i])) {
            bool shared = i + 1 < n && rl_same_prompt(seqs[i], seqs[i + 1]);
            parent = shared ? pack_tokens(p, seqs[i], 0, seqs[i]->n_prompt - 1, -1) : -1;
        }
        pack_sequence(p, seqs[i], parent);
    }
    p->start[p->batch.n_seq] = p->batch.n_tokens;
    p->row_start[n] = p->batch.n_rows;
}

void rl_pack_free(struct rl_pack *p)
{
    void *const arrays[] = {p->row_start, p->advantage, p->old_logp, p->ref_logp,
                            p->logp,      p->dlogp,     p->entropy,  p->start,
                            p->parent,    p->row,       p->tokens,   p->target};
    for (size_t i = 0; i < COUNT_OF(arrays); i++)
        free(arrays[i]);
    *p = (struct rl_pack){0};
}
