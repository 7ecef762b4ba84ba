/* server.h: the verifier over HTTP. include/client.h says what clients see. */
#ifndef ASSAY_SERVER_H
#define ASSAY_SERVER_H

#include <microhttpd.h>
#include <uv.h>

#include "job.h"
#include "listen.h"
#include "report.h"

struct server_options {
    const char *token; /* NULL: none asked for */
    int slots;
    long queue_max; /* completions accepted and not yet answered */
    bool timing;
};

struct server {
    const struct server_options *options;
    const struct problem_set *problems;
    uv_loop_t loop;
    struct grader grader;
    struct listener listener;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;   /* the daemon's epoll descriptor */
    uv_timer_t timer; /* the daemon's next time-out */
    uv_timer_t drain; /* how long a drain may take */
    uv_signal_t on_int, on_term;
    struct node requests; /* all that are begun and not completed */
    long pending;         /* completions accepted and not yet answered */
    bool draining, stopped;
    int64_t started_ns;
    struct tally tally;
    long answers[6], refused, cancelled; /* by status / 100 */
};

/* Serves until SIGTERM or SIGINT, then finishes what it has begun. Takes over the listener. */
int server_run(struct server *s, const struct server_options *options, const struct problem_set *problems,
               const struct reward *reward, const struct listener *listener);

/* ---- between server.c and the routes -------------------------------------------------------------- */

struct request;
struct route {
    const char *method, *path;
    void (*handle)(struct request *r); /* answers now, or starts something that will */
};
extern const struct route server_routes[];
extern const size_t server_n_routes;

struct request {
    unsigned magic;
    struct node node;
    struct server *server;
    struct MHD_Connection *connection;
    const struct route *route; /* NULL: the answer is there already */
    struct buf body;
    bool too_large, suspended, gone, answered;
    unsigned status;
    struct buf answer;
    const char *type;
    struct watch *watch;   /* for a client that goes away */
    struct served *served; /* grade: the rows */
    int n_served, left;
    struct errand *errand; /* lint: the one question */
};

/* One answer per request. Each takes its JSON. */
void request_answer(struct request *r, unsigned status, json_t *body);
void request_text(struct request *r, unsigned status, const char *type, struct buf *text);
__attribute__((format(printf, 3, 4))) void request_error(struct request *r, unsigned status, const char *fmt, ...);

/* Stops what was started for a client that is gone, and frees it. */
void routes_cancel(struct request *r);
void routes_release(struct request *r);

#endif
