/* judge_job.h: one program being graded: what the parts of the judge add up into one RESULT. */
#ifndef ASSAY_JUDGE_JOB_H
#define ASSAY_JUDGE_JOB_H

#include <Python.h>
#include <jansson.h>

#include "verdict.h"
#include "verifier/judge_guest.h"
#include "verifier/judge_suite.h"

struct judge_job {
    struct judge_suite *suite;
    struct str program;
    bool with_starter; /* the suite's starter goes before the program */
    int lines_before;  /* of the starter, where program and starter are one text */
    int frames_fd;     /* for the suite's last words (judge_watch.h); -1: there are none */
    struct judge_guest guest;
    int passed, tests;  /* tests: how many were decided so far */
    int not_run;        /* tests that were given up on */
    const json_t *test; /* the suite's object of the test being decided, or NULL */
    json_t *groups;     /* as the suite's, with what passed; or NULL */
    double earned;      /* points */
    enum reason reason;
    json_t *failures, *lint, *speedup;
    json_t *complexity; /* NULL: not measured */
    uint64_t cpu_us, wall_us, memory_peak_kib;
    uint64_t cpu_us_most; /* of one guest */
    uint32_t isolation;
    /* A guest was ended by a SIGKILL that nobody here sent: whatever its tests say may be another's
     * doing. `surely`: the program had no way to do it. */
    bool killed, surely;
    struct err infra; /* code != 0: our fault */
    bool lasting;     /* or the problem's, on which no other judge would do better */
};

static inline const struct buf *judge_last_words(const struct judge_job *job)
{
    return job->frames_fd < 0 ? NULL : &job->suite->last_words;
}

/* The test that is decided next: its group and its points. NULL: it has neither. */
void judge_next_test(struct judge_job *job, const json_t *test);

/* One more test decided. Texts and objects may be NULL. */
void judge_pass(struct judge_job *job);
void judge_fail(struct judge_job *job, enum reason reason, json_t *call, PyObject *got,
                PyObject *expected, const char *message);

/* Fails the next test by the pending Python error, and clears it. */
void judge_fail_by_error(struct judge_job *job, json_t *call);

/* The pending Python error in words, with the program's line where known. It stays. */
void judge_describe_error(const struct judge_job *job, struct buf *out);

/* The reason that the pending Python error gives; the error stays. */
enum reason judge_reason_of_error(const struct judge_guest *guest);

/* Starts a guest within a fresh window of the suite's limits, and ends both. Negative: infra
 * (job->infra is set). */
int judge_job_start_guest(struct judge_job *job, const struct limits *limits, enum guest_use use);
int judge_job_finish_guest(struct judge_job *job);

/* The parts. Each returns 0, or negative for infra. */
int judge_run_functions(struct judge_job *job);
int judge_run_stdio(struct judge_job *job);
int judge_run_timing(struct judge_job *job);

/* All tests of the suite, of every kind; job->reason says how they ended. */
int judge_run_tests(struct judge_job *job);

/* Loads starter and program into the job's guest. 0, or -1 with a Python error set. */
int judge_load_program(struct judge_job *job, struct str program);

/* Puts the pending error into the job's lint if it is the program's SyntaxError: CPython's own
 * word. False: it is another. */
bool judge_note_syntax_error(struct judge_job *job);

/* The proxy of the entry point, Py_None if the suite has none. NULL with a Python error set, or
 * without one if it is missing. */
PyObject *judge_entry(struct judge_job *job);

/* Fresh globals for test code: the starter's helpers, the entry point, and the program's own
 * names behind the builtins. */
PyObject *judge_globals(struct judge_job *job);
int judge_bind_entry(struct judge_job *job, PyObject *globals, PyObject *entry);
int judge_names_init(void);

/* Test code draws the same numbers in every verdict. 0, or -1 with a Python error set. */
int judge_seed_random(long seed);

/* Sites of the running test source (judge_sites.c). */
int judge_sites_init(PyObject *builtins);
void judge_sites_begin(struct judge_job *job);
void judge_sites_end(bool completed);

/* Results, new references. */
json_t *judge_grade(const json_t *request, uint32_t seq, int frames_fd);
json_t *judge_run(const json_t *request);
json_t *judge_generate(const json_t *request);
json_t *judge_inspect(const json_t *request);
json_t *judge_isolation(uint32_t bits);
json_t *judge_reason(enum reason reason);
void judge_put_killed(const struct judge_job *job, json_t *result); /* see judge.h */

#endif
