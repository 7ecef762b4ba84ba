/* assay.h: grade programs from C: connect to a verifier, or start one, and hand it what a model
 * wrote. Link with `pkg-config --cflags --libs assay`; tools/example/ is a worked example. What
 * crosses the wire, and what each grade and reason means, is in FORMATS.md.
 *
 * Threads: any number of threads may use one `struct assay`; it has a thread of its own, which makes
 * the requests and calls callbacks, with all signals blocked. It does not survive a fork: a child
 * must open its own.
 *
 * Faults: what is wrong with a program is its grade. What is wrong with the verifier (`infra`), or
 * with the request (`error`), is no grade: `grade` is ASSAY_NO_GRADE and `reward` NaN, and such a
 * verdict must not be taken for a bad one. A verifier that is busy, restarted or killed costs no
 * verdict: what it did not answer is sent again. Functions return 0 or a negative errno, and then a
 * sentence in `why`, which may be NULL. Outputs are untouched on failure. */
#ifndef ASSAY_H
#define ASSAY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct assay;

struct assay_error {
    int code;       /* negative errno */
    char text[768]; /* one line */
};

/* Zero means the default in brackets. Strings are copied. */
struct assay_options {
    /* Where verifiers are: "http://HOST:PORT", "https://HOST:PORT" or "unix:PATH". Several share the
     * work by what they have free; all must serve the same problems. */
    const char *const *urls;
    int n_urls;
    const char *token; /* what `assay serve --token-file` wants [none] */
    /* Without URLs: problem files of a verifier that is started here, and ends with assay_close or
     * with this process. */
    const char *const *problems;
    int n_problems;
    int slots;           /* programs at a time, sleeping ones not counted [one per core] */
    const char *config;  /* `--config` [none] */
    const char *program; /* [ASSAY_VERIFIER, assay-verifier beside this program, assay on PATH] */
    const char *log;     /* file that its messages are appended to [one without a name] */
    /* For both. */
    double deadline_s; /* one request, retries not counted; then its verdicts are infra [120] */
    double give_up_s;  /* no verifier takes work for so long: an error [60] */
    int no_timing;     /* 1: no speed grade */
};

enum assay_grade {
    ASSAY_NO_GRADE = -1,
    ASSAY_NOT_CODE,
    ASSAY_WRONG_LANGUAGE,
    ASSAY_FAILS_TESTS,
    ASSAY_CORRECT,
    ASSAY_FASTER
};

enum assay_text {
    ASSAY_RESPONSE,   /* a model's whole reply: tags, fences and prose allowed */
    ASSAY_COMPLETION, /* continues the problem's prompt */
    ASSAY_SOLUTION    /* a whole program */
};

/* Lent for the call. Bytes that are not UTF-8 become U+FFFD, NUL becomes U+001A. */
struct assay_item {
    const char *task_id;
    const char *text;
    size_t len; /* bytes of text */
    enum assay_text kind;
};

struct assay_verdict {
    enum assay_grade grade;
    double reward;          /* NaN without a grade */
    const char *reason;     /* why it is not correct, a word of FORMATS.md; NULL */
    const char *infra;      /* the verifier's fault, or why there was no answer; NULL */
    int error;              /* negative errno: the request was at fault, `infra` says how; else 0 */
    int passed, total;      /* tests */
    double cpu_ms, wall_ms; /* of the program; NaN where it did not run */
    double speedup, speedup_low,
        speedup_high;        /* against the reference; NaN without a speed grade */
    int64_t memory_peak_kib; /* 0: not known */
    int cached;              /* 1: the same program was graded before */
    void *owned;             /* what the strings above lie in */
};

/* Connects, or starts a verifier and waits until it has read its problems. -ECONNREFUSED: no
 * verifier answers. -EINVAL: an option is wrong. */
int assay_open(const struct assay_options *options, struct assay **ret, struct assay_error *why);
/* Calls back for what is still pending, with -ECANCELED, and stops a verifier that was started here.
 * Nobody may be in another call on `a`, and it may not be called from a callback. NULL is allowed. */
void assay_close(struct assay *a);

/* Grades n items and waits: ret[i] is the verdict of items[i], to be released by
 * assay_release(ret, n). 0 also where single items had a fault or an error of their own. Less: no
 * verifier can be used any more, and nothing is to be released. Not from a callback. */
int assay_grade(struct assay *a, const struct assay_item *items, size_t n,
                struct assay_verdict *ret, struct assay_error *why);
void assay_release(struct assay_verdict *verdicts, size_t n);

/* Called once for every item that was submitted, on the thread of `a` (or in assay_close). The
 * verdict is lent for the call; copy what you keep. It must be quick, for it holds up others. */
typedef void assay_callback(void *ctx, const struct assay_verdict *verdict);

/* Sends one item on its way and returns at once. -ECANCELED: `a` is being closed. */
int assay_submit(struct assay *a, const struct assay_item *item, assay_callback *callback,
                 void *ctx, struct assay_error *why);
/* Waits until all that was submitted has been called back. -ETIMEDOUT after timeout_s (below 0:
 * never). Not from a callback. */
int assay_flush(struct assay *a, double timeout_s, struct assay_error *why);

/* The whole verdict as JSON (FORMATS.md), to be freed by free(); NULL where none came. */
char *assay_verdict_json(const struct assay_verdict *verdict);
/* The problems of source K (K counts urls' -p options, or `problems`, from 0) as a JSON array of
 * {"id", "prompt", "starter", "entry_point", "tags", "level", ...}, to be freed by free(). */
int assay_problems(struct assay *a, int source, char **ret_json, struct assay_error *why);
/* "not-code", ..., "faster"; "none". */
const char *assay_grade_name(enum assay_grade grade);

#ifdef __cplusplus
}
#endif

#endif
