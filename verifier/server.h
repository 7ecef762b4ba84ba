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
    bool timing, cache_timed;
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
int server_run(struct server *s, const struct server_options *options,
               const struct problem_set *problems, const struct reward *reward,
               const struct listener *listener);

/* ---- between server.c and the routes --------------------------------------------------------- */

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
    size_t received;
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
__attribute__((format(printf, 3, 4))) void request_error(struct request *r, unsigned status,
                                                         const char *fmt, ...);

/* True after a 429: `n` more completions would be more than the queue takes. */
bool request_refused(struct request *r, long n);

/* Asks one question for a request (takes it); `answer` answers from the result, which is lent. A
 * fault of ours is a 503. */
void errand_start(struct request *r, struct pool *pool, json_t *question, int64_t limit_ms,
                  void (*answer)(struct request *r, json_t *result));
void errand_cancel(struct errand *e);

void routes_grade(struct request *r);
void routes_lint(struct request *r);
void routes_run(struct request *r);
void routes_problems(struct request *r);
void routes_health(struct request *r);
void routes_metrics(struct request *r);

/* Stops what was started for a client that is gone, and frees what a request holds. */
void routes_cancel(struct request *r);
void routes_release(struct request *r);
void routes_grade_cancel(struct request *r);
void routes_grade_release(struct request *r);

#endif
