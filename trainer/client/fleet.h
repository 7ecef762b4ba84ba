/* fleet.h: which of several verifiers gets the next items. No input or output here: the caller
 * says what happened and when (seconds of one clock).
 *
 * A server is *up* once its GET /healthz has answered, which also tells its slots; until then it
 * gets no items. One that cannot be reached is down, and is asked again after a pause. One that
 * refuses work for now (429, 503) stays up and is left alone for a pause. Pauses double, with
 * jitter, until the server grades something. */
#ifndef ASSAY_CLIENT_FLEET_H
#define ASSAY_CLIENT_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "trainer/client/http.h"

struct fleet_server {
    struct http_address address;
    bool up, asked;                    /* asked: GET /healthz is on its way */
    int slots;                         /* 0: not known yet */
    int requests;                      /* of items, on their way */
    int items;                         /* in these */
    int64_t sent;                      /* items, all in all */
    int64_t graded;                    /* verdicts with a grade */
    int64_t infra;                     /* without one, or none in time */
    int64_t refusals;                  /* requests that found nobody, or were refused for now */
    double not_before;                 /* nothing is sent earlier */
    double backoff;                    /* the last pause, before jitter */
    double refused_since, last_answer; /* 0: not since it graded; never */
};

struct fleet {
    struct fleet_server *v;
    int n;
    int requests_max; /* in flight, at one server */
    struct rng rng;   /* jitter */
};

int fleet_init(struct fleet *f, const char *const *urls, int n, int requests_max, struct err *err);
void fleet_free(struct fleet *f);

/* The server with the largest share of its capacity free, NULL when none may be sent to now. */
struct fleet_server *fleet_pick(struct fleet *f, double now);
/* A server that is to be asked whether it is there, or NULL. */
struct fleet_server *fleet_to_ask(struct fleet *f, double now);
/* Seconds until one of the above may answer otherwise with no event between; at most `longest`. */
double fleet_pause(const struct fleet *f, double now, double longest);
/* How long every server has refused; 0 when one does not. */
double fleet_refused_for(const struct fleet *f, double now);
/* The last answer with verdicts of any server, 0: none yet. */
double fleet_last_answer(const struct fleet *f);
bool fleet_other_up(const struct fleet *f, const struct fleet_server *s);

void fleet_answered(struct fleet_server *s, double now);
/* `there`: it answered, with a refusal. `retry_after`: what it asked for, 0: nothing. */
void fleet_refused(struct fleet *f, struct fleet_server *s, double now, bool there,
                   double retry_after);

#endif
