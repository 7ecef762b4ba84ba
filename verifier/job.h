/* job.h: one completion on its way to a verdict. */
#ifndef ASSAY_JOB_H
#define ASSAY_JOB_H

#include "aside.h"
#include "cache.h"
#include "catalog.h"
#include "pool.h"
#include "problem.h"
#include "reward.h"

/* What all jobs of one loop share. */
struct grader {
    struct pool *judges, *linters;
    struct cache cache;
    struct asides asides; /* what is done with large texts */
    struct reward reward;
    bool cache_timed; /* measured speed is remembered too */
    bool stopped;
    char python[64]; /* whose verdicts the cache holds */
};

/* Starts the slots: `slots` judges, two spare ones for each (pool.h), and a linter for every eight. */
void grader_start(struct grader *g, uv_loop_t *loop, int slots);
/* Kills the slots; the loop must then run to its end before grader_free. */
void grader_stop(struct grader *g);
void grader_free(struct grader *g);

struct job_spec {
    const struct problem *problem;
    struct catalog *catalog; /* of the problem, kept while the job needs it; NULL: it stays */
    json_t *item;            /* as samples_check wants it; the job keeps a reference */
    int sample;
    bool timing;         /* measure speed where the problem says how */
    struct asker *asker; /* of this job and others, until it has ended or is cancelled; or NULL */
    bool fresh;          /* neither look at what is known nor add to it */
};

/* `verdict` is lent for the call. May come before job_start returns. */
typedef void job_done(void *ctx, json_t *verdict);

struct job;

/* NULL when the verdict has been given already. */
struct job *job_start(struct grader *g, const struct job_spec *spec, job_done *done, void *ctx);

/* No verdict is wanted any more. What already runs goes on, and its result is kept for others. */
void job_cancel(struct job *j);

#endif
