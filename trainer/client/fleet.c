#include "trainer/client/fleet.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"

/* Items that may wait at a server for each of its slots: enough that no slot idles while verdicts
 * travel, and few enough that the last ones of a batch go where there is room. */
enum { ITEMS_PER_SLOT = 32 };
static const double BACKOFF_MIN_S = .02, BACKOFF_MAX_S = 2, RETRY_AFTER_MAX_S = 5;

int fleet_init(struct fleet *f, const char *const *urls, int n, int requests_max, struct err *err)
{
    if (n < 1)
        return err_set(err, -EINVAL, "a client needs the URL of a verifier");
    *f = (struct fleet){.v = xcalloc((size_t)n, sizeof *f->v),
                        .requests_max = requests_max,
                        .rng = rng_make((uint64_t)wall_ns(), 0)};
    for (; f->n < n; f->n++) {
        f->v[f->n].backoff = BACKOFF_MIN_S;
        int rc = http_address(urls[f->n], &f->v[f->n].address, err);
        if (rc < 0) {
            fleet_free(f);
            return rc;
        }
    }
    return 0;
}

void fleet_free(struct fleet *f)
{
    for (int i = 0; i < f->n; i++)
        http_address_free(&f->v[i].address);
    free(f->v);
    *f = (struct fleet){0};
}

static int capacity(const struct fleet_server *s)
{
    return (s->slots > 0 ? s->slots : 1) * ITEMS_PER_SLOT;
}

struct fleet_server *fleet_pick(struct fleet *f, double now)
{
    struct fleet_server *best = NULL;
    for (int i = 0; i < f->n; i++) {
        struct fleet_server *s = &f->v[i];
        if (!s->up || s->not_before > now || s->requests >= f->requests_max ||
            s->items >= capacity(s))
            continue;
        int64_t load = best ? (int64_t)s->items * capacity(best) : 0,
                least = best ? (int64_t)best->items * capacity(s) : 0;
        if (!best || load < least || (load == least && s->sent < best->sent))
            best = s;
    }
    return best;
}

struct fleet_server *fleet_to_ask(struct fleet *f, double now)
{
    for (int i = 0; i < f->n; i++)
        if (!f->v[i].up && !f->v[i].asked && f->v[i].not_before <= now)
            return &f->v[i];
    return NULL;
}

double fleet_pause(const struct fleet *f, double now, double longest)
{
    for (int i = 0; i < f->n; i++)
        if (f->v[i].not_before > now)
            longest = fmin(longest, f->v[i].not_before - now);
    return longest;
}

double fleet_refused_for(const struct fleet *f, double now)
{
    double shortest = INFINITY;
    for (int i = 0; i < f->n; i++)
        shortest = fmin(shortest, f->v[i].refused_since > 0 ? now - f->v[i].refused_since : 0);
    return shortest;
}

double fleet_last_answer(const struct fleet *f)
{
    double last = 0;
    for (int i = 0; i < f->n; i++)
        last = fmax(last, f->v[i].last_answer);
    return last;
}

bool fleet_other_up(const struct fleet *f, const struct fleet_server *s)
{
    for (int i = 0; i < f->n; i++)
        if (&f->v[i] != s && f->v[i].up)
            return true;
    return false;
}

void fleet_answered(struct fleet_server *s, double now)
{
    s->last_answer = now;
    s->refused_since = 0;
    s->backoff = BACKOFF_MIN_S;
}

void fleet_refused(struct fleet *f, struct fleet_server *s, double now, bool there,
                   double retry_after)
{
    s->refusals++;
    s->up = s->up && there;
    if (s->refused_since <= 0)
        s->refused_since = now;
    if (now < s->not_before) /* requests refused in one go count once */
        return;
    s->backoff = fmin(s->backoff * 2, BACKOFF_MAX_S);
    s->not_before =
        now + fmax(s->backoff, fmin(retry_after, RETRY_AFTER_MAX_S)) * (.5 + rng_uniform(&f->rng));
}
