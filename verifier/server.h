/* server.h: the verifier over HTTP. include/client.h says what clients see.
 *
 * server.c runs the daemon and the life of the process, server_request.c one request: its client and
 * its time, server_body.c what it says, server_answer.c what it is told. routes*.c say what the
 * addresses do. */
#ifndef ASSAY_SERVER_H
#define ASSAY_SERVER_H

#include <microhttpd.h>
#include <uv.h>

#include "catalog.h"
#include "job.h"
#include "listen.h"
#include "metrics.h"
#include "report.h"

/* Each says what the one before it does, and more. */
enum server_log { SERVER_LOG_FAULTS, SERVER_LOG_REQUESTS, SERVER_LOG_VERDICTS };

struct server_options {
    const char *token; /* NULL: none asked for */
    char *const *specs;
    int n_specs, slots;
    long queue_max;    /* completions accepted and not yet answered */
    long held_max_mib; /* bodies and answers of all requests together */
    bool timing, cache_timed;
    enum server_log log;
};

enum { REQUEST_NAME_MAX = 64, STREAM_BYTES_MAX = 1 << 20 };

struct server {
    const struct server_options *options;
    struct catalog *catalog;
    uv_loop_t loop;
    struct grader grader;
    struct listener listener;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;   /* the daemon's epoll descriptor */
    uv_timer_t timer; /* the daemon's next time-out */
    uv_timer_t drain; /* how long a drain may take */
    uv_timer_t log;   /* lines that nobody reads */
    uv_prepare_t each_turn;
    uv_signal_t on_int, on_term, on_hup;
    struct reload *reload; /* problems that are being read */
    struct node requests;  /* all that are begun and not completed */
    long pending;          /* completions accepted and not yet answered */
    size_t held;           /* bytes of bodies and answers that requests hold */
    bool draining, stopped;
    int64_t started_ns;
    struct metrics metrics;
};

/* Serves until SIGTERM or SIGINT, then finishes what it has begun. SIGHUP reads the problems anew.
 * Takes over the listener and the catalog. */
int server_run(struct server *s, const struct server_options *options, struct catalog *catalog,
               const struct reward *reward, const struct listener *listener);

/* ---- requests -------------------------------------------------------------------------------- */

struct request;
struct route {
    const char *method, *path;
    void (*handle)(struct request *r); /* answers now, or starts something that will */
    bool reads;                        /* wants the body, in r->json */
    bool lines;                        /* and takes it as JSON a line */
    bool fusion; /* answers as SandboxFusion does, whose clients try again on 504 alone */
};
extern const struct route server_routes[];
extern const size_t server_n_routes;

struct request {
    unsigned magic;
    struct node node;
    struct server *server;
    struct MHD_Connection *connection;
    const struct route *route; /* NULL: the answer is there already */
    const char *allow;         /* the method that the path takes; NULL: there is no such path */
    char name[REQUEST_NAME_MAX + 1]; /* the client's X-Request-Id, or a number of ours */
    int64_t begun_ns;
    struct buf body; /* until it is read */
    struct reading *reading;
    json_t *json; /* the body, for lines a list; NULL: bad_json says why */
    size_t received, held;
    bool lines; /* the body is JSON a line, otherwise JSON */
    bool begun, too_large, too_many, fusion, suspended, gone, answered;
    unsigned status;
    struct buf answer;
    const char *type;
    void (*more)(struct request *r); /* the answer is a stream; called when it has room */
    size_t sent;                     /* of a stream's `answer` */
    bool ended;                      /* nothing more comes */
    struct node writings;            /* of large answers, or lines of a stream, that are written */
    struct watch *watch;             /* for a client that goes away */
    struct alarm *alarm;             /* its deadline */
    struct alarm *soon;              /* its next turn */
    struct catalog *catalog;         /* the problems it is about */
    struct grading *grading;
    struct errand *errand; /* lint, run: the one question */
    char files_mark[33];   /* run: in its output it stands before the fetched files */
    char bad_json[JSON_ERROR_TEXT_LENGTH + 64];
    struct submission *submission;
};

/* Reads the request's headers; NULL route and an answer where it cannot be served. */
void request_begin(struct request *r, const char *method, const char *path);

/* Bytes that the request holds, and gives back when it is completed. */
void request_hold(struct request *r, size_t bytes);

#define REQUEST_LINES "application/x-ndjson"
bool request_wants_lines(struct request *r, const char *header); /* whether it says so */

/* Reads the body, then lets the route handle it; large ones aside. */
void request_read(struct request *r);
void request_unread(struct request *r); /* lets go of the body, read or not */

/* One answer per request. Each takes its JSON; a large one is written aside. */
void request_answer(struct request *r, unsigned status, json_t *body);
void request_text(struct request *r, unsigned status, const char *type, struct buf *text);
__attribute__((format(printf, 3, 4))) void request_error(struct request *r, unsigned status,
                                                         const char *fmt, ...);

/* What is said of a request may quote its client's bytes, and be cut within a character: as JSON,
 * with U+FFFD for what is not UTF-8. */
json_t *request_sentence(const char *text);

/* A fault of ours, or no room: to be tried again. */
__attribute__((format(printf, 3, 4))) void request_later(struct request *r, unsigned status,
                                                         const char *fmt, ...);

/* True after such an answer: `n` more completions would be more than the queue takes. */
bool request_refused(struct request *r, long n);

/* An answer in lines, as they come. `more` is called whenever the client has taken some: whoever
 * adds lines keeps request_unsent below STREAM_BYTES_MAX, within a line's length. */
void request_stream(struct request *r, const char *type, void (*more)(struct request *r));
void request_stream_add(struct request *r, json_t *line); /* takes it */
void request_stream_end(struct request *r);
size_t request_unsent(const struct request *r);

/* Once, unless the request is completed before: after some seconds, and as soon as others have had
 * their turn. */
void request_alarm(struct request *r, double seconds, void (*expire)(struct request *r));
void request_soon(struct request *r, void (*go_on)(struct request *r));

/* Lets go of what is still being written. */
void request_unwrite(struct request *r);

/* What server.c does with the answer: sends it, or waits for it. */
enum MHD_Result request_reply(struct request *r);
void request_suspend(struct request *r);
void request_wake(struct request *r);    /* its answer is there, or more of it */
void request_hang_up(struct request *r); /* its client is gone, or we have to go */
void request_close(struct request *r);   /* frees what is not the routes' */

/* ---- routes ---------------------------------------------------------------------------------- */

/* Asks one question for a request (takes it); `answer` answers from the result, which is lent. A
 * fault of ours is a 503, or SandboxFusion's 504. */
void errand_start(struct request *r, struct pool *pool, json_t *question, int64_t limit_ms,
                  void (*answer)(struct request *r, json_t *result));
void errand_cancel(struct errand *e);

/* Counts a verdict of item `index` that took since `begun_ns`, and logs it where that is wanted. */
void routes_verdict(struct request *r, long index, const json_t *item, const json_t *verdict,
                    int64_t begun_ns);

void routes_grade(struct request *r);
void routes_lint(struct request *r);
void routes_problems(struct request *r);
void routes_health(struct request *r);
void routes_metrics(struct request *r);
void routes_run(struct request *r);
void routes_submit(struct request *r);
void routes_datasets(struct request *r);
void routes_ids(struct request *r);
void routes_prompts(struct request *r);
void routes_prompt(struct request *r);
void routes_ping(struct request *r);

/* Stops what was started for a request, and frees what it holds. May be called again. */
void routes_release(struct request *r);
void routes_grade_release(struct request *r);
void routes_submit_release(struct request *r);

#endif
