/* client.h: the trainer's side of the verifier: grades many completions in the background over HTTP
 * (see include/client.h).
 *
 * One thread owns libcurl. Callers enqueue items from any thread and collect verdicts from any
 * thread. Every item comes back exactly once: with a verdict, or as infra (reward NaN) when its
 * deadline passed. A verifier that is gone for good makes client_wait fail with a sentence; nothing
 * here waits without an end. */
#ifndef ASSAY_TRAINER_CLIENT_H
#define ASSAY_TRAINER_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "verdict.h"

struct client;

/* Zero means the default in brackets. */
struct client_options {
    const char *socket_path; /* a unix socket, or */
    const char *url;         /* http://host:port */
    const char *token;       /* bearer token; NULL: none */
    int items_per_request;   /* [8] */
    int requests_in_flight;  /* [16] */
    double deadline_s;       /* one request, retries not counted [120] */
    double give_up_s;        /* refusals without an answer for so long: the verifier is gone [60] */
    bool no_timing;          /* ask for no speed grade */
};

struct client_verdict {
    void *cookie;
    json_t *verdict; /* the VERDICT object, owned by the receiver; NULL when none came */
    int grade;       /* enum grade, -1: infra */
    double reward;   /* NaN: infra */
};

struct client_stats {
    int64_t sent, graded, infra, retries;
};

int client_start(const struct client_options *opt, struct client **ret, struct err *err);
/* Abandons what is pending. */
void client_stop(struct client *c);

/* GET /healthz: 0 when the verifier answers. */
int client_health(struct client *c, json_t **ret, struct err *err);
/* All problems of source K, paged: a new array of {"id","prompt",...}. */
int client_problems(struct client *c, int source, json_t **ret, struct err *err);

/* Enqueues one completion. The client makes {"task_id","response"} of it; strings are copied. Bytes
 * that are not UTF-8 become U+FFFD, NUL becomes U+001A. */
void client_grade(struct client *c, const char *task_id, const char *response, size_t response_len,
                  void *cookie);
/* The next verdict, in the order they arrive. 0; -EAGAIN nothing is pending; -ETIMEDOUT after
 * timeout_s; -ECONNREFUSED, -EPROTO, ... the verifier is gone or refuses our requests (err says
 * how). */
int client_wait(struct client *c, double timeout_s, struct client_verdict *ret, struct err *err);
int client_pending(struct client *c); /* enqueued and not yet collected */
struct client_stats client_stats(struct client *c);

#endif
