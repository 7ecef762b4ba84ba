#include "trainer/rl/pack.h"

#include "base/check.h"

#define GROW(p, field, n) ((p)->field = xrealloc((p)->field, (size_t)(n), sizeof *(p)->field))

static void pack_reserve(struct rl_pack *p, int n_seq, int n_tokens, int n_rows)
{
    if (n_seq > p->cap_seq) {
        p->cap_seq = n_seq + n_seq / 2;
        GROW(p, start, p->cap_seq + 1);
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

static void pack_sequence(struct rl_pack *p, const struct rl_sequence *s, int *at, int *row)
{
    memcpy(p->tokens + *at, s->tokens, (size_t)(s->n_tokens - 1) * sizeof *p->tokens);
    for (int i = s->n_prompt; i < s->n_tokens; i++, (*row)++) {
        int j = i - s->n_prompt;
        p->row[*row] = *at + i - 1;
        p->target[*row] = s->tokens[i];
        p->old_logp[*row] = s->old_logp ? s->old_logp[j] : 0;
        p->ref_logp[*row] = s->ref_logp ? s->ref_logp[j] : 0;
    }
    *at += s->n_tokens - 1;
}

void rl_pack_fill(struct rl_pack *p, const struct rl_sequence *const *seqs, int n)
{
    int n_tokens = 0, n_rows = 0, at = 0, row = 0;
    for (int i = 0; i < n; i++) {
        CHECK(seqs[i]->n_prompt > 0 && seqs[i]->n_tokens > seqs[i]->n_prompt);
        n_tokens += seqs[i]->n_tokens - 1;
        n_rows += seqs[i]->n_tokens - seqs[i]->n_prompt;
    }
    pack_reserve(p, n, n_tokens, n_rows);
    for (int i = 0; i < n; i++) {
        p->start[i] = at;
        p->row_start[i] = row;
        p->advantage[i] = seqs[i]->advantage;
        pack_sequence(p, seqs[i], &at, &row);
    }
    p->start[n] = at;
    p->row_start[n] = row;
    p->batch = (struct model_batch){.n_seq = n,
                                    .n_tokens = at,
                                    .n_rows = row,
                                    .start = p->start,
                                    .tokens = p->tokens,
                                    .row = p->row,
                                    .target = p->target};
}

void rl_pack_free(struct rl_pack *p)
{
    void *const arrays[] = {p->row_start, p->advantage, p->old_logp, p->ref_logp,
                            p->logp,      p->dlogp,     p->entropy,  p->start,
                            p->row,       p->tokens,    p->target};
    for (size_t i = 0; i < COUNT_OF(arrays); i++)
        free(arrays[i]);
    *p = (struct rl_pack){0};
}
