/* judge_timing.c: the measurements behind "faster": reference and candidate in turn, each run in
 * a fresh guest, each pair on one core.
 *
 * The keeper reads the guest's process clock from outside, just before the program is loaded and
 * after its answer is here, so import-time work and threads count, and nothing that the program
 * does to its own clocks matters. Inputs are made here, anew for each pair and equal within it;
 * answers are compared, so returning early gains nothing, nor does remembering. The order within
 * a pair alternates, which makes the noise symmetric (timing.c).
 *
 * Handing values over is no program's merit. Where the program is called once and answers with a value,
 * it is the same for all, provided that nobody looks for changes of the arguments, which a program could
 * make cheap by emptying them, nor gives them up before the answer is there, which it could avoid by
 * keeping them. So neither is done then; an answer is written out in full, its parts as often as they
 * occur, as it would be cheaper with one list in the place of many equal ones; and what is left is
 * taken off (timing.c). How much that
 * is, the reference's own guest says by its own clock: the program in it is the problem's, so it may
 * be believed. A candidate's guest is not asked; the only way to gain is really to hand over in less time.
 * Whether a problem is of that form, a first run of the reference shows, once for a suite.
 *
 * Nor is it a program's merit or fault that a fork's first steps copy the pages which it shares with
 * its parent, nor that the memory of a young process is new to it. So both guests run a text of ours
 * first (judge_warm_up.py), which meets those pages and a megabyte of memory: before the clock is read,
 * and before a program is there that could make use of it.
 *
 * Where the kernel counts retired instructions they decide, as they hardly vary. But they are not
 * time: a program that waits for memory, or lets the kernel work, must not be called faster for
 * it. So the end of the interval that decides is never above the highest ratio that CPU time, taken
 * of the same runs, leaves possible. Handing over stays in them, as a guest cannot count its own.
 *
 * A problem with several sizes is decided at the largest. A few pairs at each of the others then
 * give the growth of both programs' cost. What is spent until the program is loaded is left out
 * there, as it is the same at all sizes. */
#include "base/clock.h"
#include "verifier/judge_embed.h"
#include "verifier/judge_job.h"
#include "verifier/judge_proxy.h"
#include "verifier/timing.h"
#include "wire_guest.h"

EMBED_TEXT(judge__warm_up_text, "verifier/judge_warm_up.py");

/* No new pair is begun after this: a slow program has had its chance. */
static const int64_t TIMING_WALL_NS = 30ll * NS_PER_S;

enum { GROWTH_PAIRS = 3 }; /* at each size but the largest */

struct sample {
    bool ok; /* it answered; else the candidate or reference failed in some way */
    struct keeper_clocked at[3]; /* before the program is loaded, after, and after the call */
    uint32_t questions;          /* that setup and call took: 1 for one call of a function */
    int64_t handed_ns;           /* of the reference: what it took to hand values over */
    PyObject *answer, *state;    /* state: mutable plain values of the setup, after the call */
};

enum { BEFORE, LOADED, DONE };

/* What was measured of one size, in the order of the pairs. */
struct series {
    struct timing cpu, instructions;
    /* From LOADED to DONE; by clock, reference and candidate. */
    double cost[2][2][TIMING_PAIRS_MAX];
};

enum { CPU, INSTRUCTIONS };

static void sample_clear(struct sample *s)
{
    Py_CLEAR(s->answer);
    Py_CLEAR(s->state);
}

/* The lists, dicts, sets and bytearrays that `setup` made: an in-place problem's result. */
static PyObject *mutable_values(PyObject *globals, PyObject *before)
{
    PyObject *key, *value, *state = PyDict_New();
    Py_ssize_t at = 0;
    while (state && PyDict_Next(globals, &at, &key, &value)) {
        bool plain = PyList_CheckExact(value) || PyDict_CheckExact(value) ||
                     PySet_CheckExact(value) || PyByteArray_CheckExact(value);
        if (plain && !PyDict_Contains(before, key) && PyDict_SetItem(state, key, value) < 0)
            Py_CLEAR(state);
    }
    return state;
}

static int set_number(PyObject *globals, const char *name, long value)
{
    PyObject *number = PyLong_FromLong(value);
    int rc = number ? PyDict_SetItemString(globals, name, number) : -1;
    Py_XDECREF(number);
    return rc;
}

/* Setup and call, in fresh globals that hold `repeat` and, where the problem has sizes, `size`. 0, or
 * -1 with a Python error set. */
static int timed_call(struct judge_job *job, int repeat, long size, struct sample *ret)
{
    PyObject *entry = judge_entry(job), *globals = entry ? judge_globals(job) : NULL;
    PyObject *before = NULL, *done = NULL;
    if (globals && judge_bind_entry(job, globals, entry) == 0 &&
        set_number(globals, "repeat", repeat) == 0 &&
        (size == 0 || set_number(globals, "size", size) == 0))
        before = PyDict_Copy(globals);
    const uint32_t asked = job->guest.seq;
    if (before && judge_seed_random(repeat + 1) == 0)
        done = PyEval_EvalCode(job->suite->timing_setup, globals, globals);
    if (done)
        ret->answer = PyEval_EvalCode(job->suite->timing_call, globals, globals);
    ret->questions = job->guest.seq - asked;
    if (ret->answer)
        ret->state = mutable_values(globals, before);
    if (globals)
        PyDict_Clear(globals);
    Py_XDECREF(done);
    Py_XDECREF(before);
    Py_XDECREF(globals);
    Py_XDECREF(entry);
    return ret->state ? 0 : -1;
}

static int load_starter(struct judge_job *job)
{
    const char *starter = job->suite->starter;
    if (!job->suite->starter_code || !job->with_starter)
        return 0;
    return judge_load(starter, strlen(starter), 0);
}

/* One run of one program. `trusted`: it is the problem's own. Negative: infra. */
static int measure(struct judge_job *job, struct str program, bool trusted, enum guest_use use,
                   int repeat, long size, struct sample *ret)
{
    struct judge_guest *g = &job->guest;
    TRY(judge_job_start_guest(job, &job->suite->limits, use));
    judge_session_begin(g);
    judge_session_keep_args(job->suite->timing_form == TIMING_FORM_CALL);
    const char *warm_up = judge__warm_up_text;
    int rc = judge_load(warm_up, strlen(warm_up), GUEST_LOAD_ASIDE) == 0 && load_starter(job) == 0
                 ? judge_guest_clock(g, &ret->at[BEFORE], &job->infra)
                 : GUEST_OVER;
    if (rc == 0)
        rc = judge_load(program.s, program.len, 0) == 0
                 ? judge_guest_clock(g, &ret->at[LOADED], &job->infra)
                 : GUEST_OVER;
    if (rc == 0 && timed_call(job, repeat, size, ret) == 0) {
        rc = judge_guest_clock(g, &ret->at[DONE], &job->infra);
        ret->handed_ns = trusted && rc == 0 ? judge_handed_ns() : 0;
        ret->ok = rc == 0 && ret->handed_ns >= 0;
    }
    PyErr_Clear();
    judge_session_end();
    int finished = judge_job_finish_guest(job);
    return rc < 0 && rc != GUEST_OVER ? rc : finished;
}

static double cost(const struct sample *s, int from, int clock)
{
    const struct keeper_clocked *a = &s->at[from], *b = &s->at[DONE];
    return clock == CPU ? (double)(b->cpu_ns - a->cpu_ns)
                        : (double)(b->instructions - a->instructions);
}

static bool counted(const struct sample *s)
{
    return s->at[BEFORE].instructions > 0 && s->at[DONE].instructions > s->at[LOADED].instructions;
}

/* Fails the program for its answer on the timed input. */
static void fail(struct judge_job *job, const struct sample *reference,
                 const struct sample *candidate)
{
    if (job->passed == job->suite->total)
        job->passed--; /* whoever looks at the counts alone sees that not all is well */
    judge_fail(job, REASON_WRONG_ANSWER, json_string("timing"), candidate->answer,
               reference->answer, "another answer than the reference's on the timed input");
}

/* Both answered the same. An object that stayed with its program cannot be compared, and then
 * cannot be timed. Where the reference answers nothing, what it made of its inputs is the answer.
 * Elsewhere a program may spoil its inputs; but not between two calls of one run, where that could
 * make the second easier: then it is not timed. */
static bool same_answers(struct judge_job *job, const struct sample *reference,
                         const struct sample *candidate)
{
    const struct judge_compare *how = &job->suite->compare;
    const bool looked = job->suite->timing_form != TIMING_FORM_CALL;
    if (judge_is_handle(reference->answer) ||
        (!looked && (reference->answer == Py_None || reference->questions != 1)))
        return false;
    bool same = judge_equal(candidate->answer, reference->answer, how) == 1;
    bool same_state = same && judge_equal(candidate->state, reference->state, how) == 1;
    if (!same || (!same_state && reference->answer == Py_None))
        fail(job, reference, candidate);
    PyErr_Clear();
    return same && (same_state || (reference->answer != Py_None && candidate->questions == 1));
}

static void note_pair(struct series *series, const struct sample samples[2], double handed)
{
    const int n = series->cpu.n;
    for (int i = 0; i < 2; i++) {
        double cpu = cost(&samples[i], LOADED, CPU);
        series->cost[CPU][i][n] = cpu - timing_deduction(cpu, handed);
        series->cost[INSTRUCTIONS][i][n] = cost(&samples[i], LOADED, INSTRUCTIONS);
    }
    timing_add(&series->cpu, cost(&samples[0], BEFORE, CPU), cost(&samples[1], BEFORE, CPU),
               handed);
    if (counted(&samples[0]) && counted(&samples[1]))
        timing_add(&series->instructions, cost(&samples[0], BEFORE, INSTRUCTIONS),
                   cost(&samples[1], BEFORE, INSTRUCTIONS), 0);
}

/* Adds one pair. 1 added, 0 no timing is possible, negative infra. */
static int add_pair(struct judge_job *job, int repeat, long size, struct series *series)
{
    struct sample samples[2] = {0}; /* reference, candidate */
    struct str programs[2] = {str_of(job->suite->reference), job->program};
    bool with_starter = job->with_starter;
    int rc = 0;
    for (int i = 0; i < 2 && rc == 0; i++) {
        int which = i ^ (repeat & 1);
        /* The reference is written like a solution: the starter stands before it. */
        job->with_starter = which == 0 || with_starter;
        rc =
            measure(job, programs[which], which == 0,
                    i == 0 ? GUEST_FOR_PAIR : GUEST_FOR_PAIR_SECOND, repeat, size, &samples[which]);
    }
    job->with_starter = with_starter;
    if (rc == 0 && samples[0].ok && samples[1].ok && same_answers(job, &samples[0], &samples[1])) {
        /* Where the program decides how much crosses, nothing is taken off. */
        bool alike = job->suite->timing_form == TIMING_FORM_CALL;
        note_pair(series, samples, alike ? (double)samples[0].handed_ns : 0);
        rc = 1;
    }
    sample_clear(&samples[0]);
    sample_clear(&samples[1]);
    return rc;
}

/* The clock that every pair has. */
static int clock_of(const struct series *s)
{
    return s->instructions.n == s->cpu.n ? INSTRUCTIONS : CPU;
}

static const struct timing *decisive(const struct series *s)
{
    return clock_of(s) == INSTRUCTIONS ? &s->instructions : &s->cpu;
}

static struct timing_summary conclude(const struct series *s)
{
    struct timing_summary ret = timing_summarise(decisive(s)), cpu = timing_summarise(&s->cpu);
    if (cpu.high < ret.low)
        ret.low = cpu.high;
    return ret;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, int n)
{
    double sorted[TIMING_PAIRS_MAX];
    memcpy(sorted, values, (size_t)n * sizeof *values);
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* The growth of both costs over the sizes, the largest of which `largest` has measured. 1 measured,
 * 0 given up, negative infra. */
static int measure_growth(struct judge_job *job, const struct series *largest, double low,
                          int64_t until)
{
    const struct judge_suite *s = job->suite;
    const int n = s->n_timing_sizes;
    double size[TIMING_SIZES_MAX], at[2][TIMING_SIZES_MAX];
    for (int k = 0; k < n; k++) {
        struct series smaller = {0};
        const struct series *of = k == n - 1 ? largest : &smaller;
        while (of == &smaller && smaller.cpu.n < GROWTH_PAIRS) {
            int rc =
                wall_ns() < until ? add_pair(job, smaller.cpu.n, s->timing_sizes[k], &smaller) : 0;
            if (rc <= 0)
                return rc;
        }
        size[k] = (double)s->timing_sizes[k];
        for (int i = 0; i < 2; i++)
            at[i][k] = median(of->cost[clock_of(largest)][i], of->cpu.n);
    }
    struct timing_growth reference = timing_growth(size, at[0], n),
                         candidate = timing_growth(size, at[1], n);
    job->complexity = json_pack(
        "{s:f, s:f, s:f, s:f, s:f}", "exponent", candidate.exponent, "error", candidate.error,
        "reference_exponent", reference.exponent, "reference_error", reference.error, "gain",
        timing_gain(reference, candidate, low < 1 ? 1 : low, size[n - 1] / size[0]));
    return 1;
}

/* Runs the reference once, if that has not been done for this suite, to learn its form. 1 learnt, 0 no
 * timing is possible, negative infra. */
static int learn_form(struct judge_job *job, long size)
{
    struct judge_suite *s = job->suite;
    struct sample sample = {0};
    if (s->timing_form != TIMING_FORM_UNKNOWN)
        return 1;
    const bool with_starter = job->with_starter;
    job->with_starter = true;
    int rc = measure(job, str_of(s->reference), true, GUEST_FOR_PAIR, 0, size, &sample);
    job->with_starter = with_starter;
    if (rc == 0 && sample.ok) {
        s->timing_form = sample.questions == 1 && sample.answer != Py_None ? TIMING_FORM_CALL
                                                                           : TIMING_FORM_OTHER;
        rc = 1;
    }
    sample_clear(&sample);
    return rc;
}

/* That it is faster is decided; by how much is worth a little more time: more pairs are begun if they
 * will probably end by timing_refine_s. 1 done, 0 no timing is possible, negative infra. */
static int refine(struct judge_job *job, long size, struct series *series, int64_t began)
{
    const double until_s = job->suite->timing_refine_s;
    for (;;) {
        const int wanted = timing_narrower(decisive(series));
        const double so_far_s = (double)(wall_ns() - began) / NS_PER_S;
        if (wanted == 0 || so_far_s * wanted > until_s * series->cpu.n)
            return 1;
        while (series->cpu.n < wanted) {
            int rc = add_pair(job, series->cpu.n, size, series);
            if (rc <= 0)
                return rc;
        }
    }
}

/* As many pairs as it takes. 1 decided or out of time, 0 no timing is possible, negative infra. */
static int measure_speed(struct judge_job *job, struct series *series, int64_t until)
{
    const struct judge_suite *s = job->suite;
    enum timing_next next = TIMING_MORE;
    const long size = s->n_timing_sizes ? s->timing_sizes[s->n_timing_sizes - 1] : 0;
    int rc = learn_form(job, size);
    const int64_t began = wall_ns();
    while (rc > 0 && next == TIMING_MORE && (series->cpu.n == 0 || wall_ns() < until)) {
        rc = add_pair(job, series->cpu.n, size, series);
        if (rc > 0)
            next = timing_decide(decisive(series), s->timing_margin);
    }
    return rc > 0 && next == TIMING_FASTER ? refine(job, size, series, began) : rc;
}

int judge_run_timing(struct judge_job *job)
{
    struct series series = {0};
    struct judge_job before = *job;
    int64_t until = wall_ns() + TIMING_WALL_NS;
    int rc = measure_speed(job, &series, until);
    if (rc > 0) {
        struct timing_summary s = conclude(&series);
        json_decref(job->speedup);
        job->speedup =
            json_pack("{s:f, s:f, s:f, s:i, s:s}", "ratio", s.ratio, "low", s.low, "high", s.high,
                      "pairs", s.pairs, "clock", clock_of(&series) == CPU ? "cpu" : "instructions");
        if (job->suite->n_timing_sizes)
            rc = measure_growth(job, &series, s.low, until);
    }
    /* A wrong answer at a smaller size. */
    if (job->reason != REASON_NONE) {
        json_decref(job->speedup);
        job->speedup = json_null();
    }
    /* The verdict's cost is that of its tests. */
    job->cpu_us = before.cpu_us;
    job->wall_us = before.wall_us;
    job->memory_peak_kib = before.memory_peak_kib;
    return rc < 0 ? rc : 0;
}
