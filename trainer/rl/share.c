/* share.c: the largest piece first, always to whoever has least, which leaves the workers as even as
 * the last and smallest pieces are.
 *
 * A piece is the completions of one prompt. They are worth keeping together, but not at any price:
 * of seven equal groups one worker would have four and the other wait for it. So a worker takes of a
 * group only what brings it nearest to its even share, and the rest goes on to the next, where the
 * prompt is computed once more. */
#include "trainer/rl/share.h"

#include <stdlib.h>

#include "base/check.h"

/* Sequences of one prompt: sorted[first] .. sorted[first + n - 1], the longest first. */
struct rl_share_run {
    int first, n;
    long tokens;
};

static void reserve(struct rl_share *s, int n, int workers)
{
    if (n > s->cap) {
        s->cap = n + n / 2;
        s->v = xrealloc(s->v, (size_t)s->cap, sizeof(struct rl_sequence *));
        s->sorted = xrealloc(s->sorted, (size_t)s->cap, sizeof(struct rl_sequence *));
        s->runs = xrealloc(s->runs, (size_t)s->cap, sizeof *s->runs);
        s->worker = xrealloc(s->worker, (size_t)s->cap, sizeof *s->worker);
    }
    if (workers > s->workers) {
        s->start = xrealloc(s->start, (size_t)workers + 1, sizeof *s->start);
        s->tokens = xrealloc(s->tokens, (size_t)workers, sizeof *s->tokens);
        s->workers = workers;
    }
}

static int by_prompt(const void *a, const void *b)
{
    const struct rl_sequence *x = *(const struct rl_sequence *const *)a,
                             *y = *(const struct rl_sequence *const *)b;
    if (x->n_prompt != y->n_prompt)
        return x->n_prompt > y->n_prompt ? -1 : 1;
    int order = memcmp(x->tokens, y->tokens, (size_t)x->n_prompt * sizeof *x->tokens);
    if (order == 0)
        order = y->n_tokens - x->n_tokens;
    return order ? order : x < y ? -1 : x > y;
}

static int by_tokens(const void *a, const void *b)
{
    const struct rl_share_run *x = a, *y = b;
    if (x->tokens != y->tokens)
        return x->tokens > y->tokens ? -1 : 1;
    return x->first - y->first;
}

/* Returns how many runs there are, the largest first. */
static int find_runs(struct rl_share *s, int n)
{
    int n_runs = 0;
    for (int i = 0; i < n; i++) {
        const struct rl_sequence *before = i ? s->sorted[i - 1] : NULL;
        if (!before || !rl_same_prompt(before, s->sorted[i]))
            s->runs[n_runs++] = (struct rl_share_run){.first = i};
        struct rl_share_run *run = &s->runs[n_runs - 1];
        run->tokens += rl_packed_tokens(s->sorted[i], run->n++ ? before : NULL);
    }
    qsort(s->runs, (size_t)n_runs, sizeof *s->runs, by_tokens);
    return n_runs;
}

static int lightest(const struct rl_share *s, int workers)
{
    int least = 0;
    for (int w = 1; w < workers; w++)
        if (s->tokens[w] < s->tokens[least])
            least = w;
    return least;
}

/* Sets the worker of each of the run's sequences. */
static void deal(struct rl_share *s, struct rl_share_run run, long even, int workers)
{
    for (int i = run.first, end = run.first + run.n; i < end;) {
        const int w = lightest(s, workers), from = i;
        for (; i < end; i++) {
            const int more = rl_packed_tokens(s->sorted[i], i > from ? s->sorted[i - 1] : NULL);
            if (i > from && s->tokens[w] + more / 2 > even)
                break;
            s->tokens[w] += more;
            s->worker[i] = w;
        }
    }
}

void rl_share_out(struct rl_share *s, const struct rl_sequence *seqs, int n, int workers)
{
    long all = 0;
    int filled = 0;
    reserve(s, n, workers);
    for (int i = 0; i < n; i++)
        s->sorted[i] = &seqs[i];
    qsort(s->sorted, (size_t)n, sizeof(struct rl_sequence *), by_prompt);
    const int n_runs = find_runs(s, n);
    for (int r = 0; r < n_runs; r++)
        all += s->runs[r].tokens;
    for (int w = 0; w < workers; w++)
        s->tokens[w] = 0;
    for (int r = 0; r < n_runs; r++)
        deal(s, s->runs[r], all / workers, workers);
    for (int w = 0; w < workers; w++) {
        s->start[w] = filled;
        for (int i = 0; i < n; i++)
            if (s->worker[i] == w)
                s->v[filled++] = s->sorted[i];
    }
    s->start[workers] = filled;
    CHECK(filled == n);
}

void rl_share_free(struct rl_share *s)
{
    free(s->v);
    free(s->start);
    free(s->sorted);
    free(s->runs);
    free(s->worker);
    free(s->tokens);
    *s = (struct rl_share){0};
}
