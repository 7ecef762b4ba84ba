/* client.h: grades many completions in the background, on one or several verifiers over HTTP (see
 * include/client.h). What the trainer and include/assay.h are built on.
 *
 * One thread owns libcurl. Callers enqueue items from any thread and get their verdicts by
 * client_wait on any thread, or by a callback on the client's own. Every item comes back exactly
 * once: with a verdict, as infra (reward NaN) when its deadline passed, or as an error. A verifier
 * that is gone for good makes client_wait fail with a sentence; nothing here waits without an end.
 *
 * With several URLs, items go where the largest share of the slots is free. A server that cannot be
 * reached is left out and asked again later; what was on its way there goes to another. Grading has
 * no effect on a server, so an item that is sent again is not graded twice into anything. */
#ifndef ASSAY_CLIENT_CLIENT_H
#define ASSAY_CLIENT_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "verdict.h"

struct client;

/* Zero means the default in brackets. */
struct client_options {
    const char *const *urls; /* http://host:port or unix:path; all with the same problems */
    int n_urls;
    const char *token;      /* bearer token; NULL: none */
    int items_per_request;  /* [8] */
    int requests_in_flight; /* at one server [16] */
    double deadline_s;      /* one request, retries not counted [120] */
    double give_up_s;       /* refusals of all servers for so long: the verifier is gone [60] */
    bool no_timing;         /* ask for no speed grade */
};

struct client_verdict {
    void *cookie;
    json_t *verdict; /* the VERDICT object, owned by the receiver; NULL when none came */
    int grade;       /* enum grade, -1: infra or an error */
    double reward;   /* NaN: infra or an error */
};

/* What a text is, and so its key in the ITEM. */
enum client_text { CLIENT_RESPONSE, CLIENT_COMPLETION, CLIENT_SOLUTION };

/* On the client's thread, or on the one that stops it; it must not wait for the client. `v` and its
 * verdict are lent. `why` is NULL, or says why there is no verdict: with code 0 the deadline passed;
 * -EINVAL: the server calls the item wrong; -ECANCELED: stopped; else the client has failed. */
typedef void client_callback(void *ctx, const struct client_verdict *v, const struct err *why);

struct client_stats {
    int64_t sent, graded, infra, retries;
};

/* What has become of one server. */
struct client_server {
    const char *url; /* valid until client_stop */
    bool up;
    int slots; /* 0: it has not answered yet */
    int64_t sent, graded, infra, refusals;
};

int client_start(const struct client_options *opt, struct client **ret, struct err *err);
/* Abandons what is pending: callbacks are called with -ECANCELED. */
void client_stop(struct client *c);

/* GET /healthz: 0 when a verifier answers; ret may be NULL. */
int client_health(struct client *c, json_t **ret, struct err *err);
/* All problems of source K, paged, from the first server that answers: a new array of
 * {"id","prompt",...}. */
int client_problems(struct client *c, int source, json_t **ret, struct err *err);

/* Enqueues one completion. The client makes {"task_id","response"} of it; strings are copied. Bytes
 * that are not UTF-8 become U+FFFD, NUL becomes U+001A. */
void client_grade(struct client *c, const char *task_id, const char *response, size_t response_len,
                  void *cookie);
/* The same, for a callback in the place of client_wait. */
void client_submit(struct client *c, const char *task_id, enum client_text kind, const char *text,
                   size_t len, client_callback *callback, void *ctx);
/* The next verdict, in the order they arrive. 0; -EAGAIN nothing is pending; -ETIMEDOUT after
 * timeout_s; -ECONNREFUSED, -EPROTO, ... the verifier is gone or refuses our requests (err says
 * how). */
int client_wait(struct client *c, double timeout_s, struct client_verdict *ret, struct err *err);
int client_pending(struct client *c); /* enqueued for client_wait and not yet collected */
struct client_stats client_stats(struct client *c);
/* Server `i` from 0; false past the last. */
bool client_server(struct client *c, int i, struct client_server *ret);

#endif
