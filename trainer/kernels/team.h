/* team.h: one worker thread per core, started once. BLAS itself stays single-threaded: each worker calls it on its own shard.
 * team_run(team, fn, ctx) calls fn(ctx, worker) once on every worker (0 .. size-1) and returns when all are done; worker 0 is
 * the caller's thread. Which worker does what must be decided by index, never by who is free first, wherever sums of floats depend on
 * it: that keeps a run's bits the same. */
#ifndef ASSAY_TEAM_H
#define ASSAY_TEAM_H

#include <stdint.h>

struct team;
typedef void (*team_fn)(void *ctx, int worker);

struct team *team_start(int size); /* size <= 0: the number of cores this process may use */
void team_run(struct team *t, team_fn fn, void *ctx);
int team_size(const struct team *t);
/* Seconds that an average worker has waited for others, in all team_runs so far: for the last one to be done, and
 * what team_waited was told. Worker 0's thread asks. */
double team_idle_s(const struct team *t);
/* Within a team_run: the calling worker has waited that long for others. */
void team_waited(struct team *t, int64_t ns);
void team_stop(struct team *t);

#endif
