/* judge_timing.c: the measurements behind "faster": reference and candidate in turn, each run in
 * a fresh guest.
 *
 * The keeper reads the guest's process clock from outside, just before the program is loaded and
 * after its answer is here, so import-time work and threads count, and nothing that the program
 * does to its own clocks matters. Inputs are made here, anew for each pair and equal within it;
 * answers are compared, so returning early gains nothing, nor does remembering. The order within
 * a pair alternates, which makes the noise symmetric (timing.c). Where the kernel counts retired
 * instructions they are used instead of time. */
#include "base/clock.h"
#include "verifier/judge_job.h"
#include "verifier/judge_proxy.h"
#include "verifier/timing.h"

/* No new pair is begun after this: a slow program has had its chance. */
static const int64_t TIMING_WALL_NS = 30ll * NS_PER_S;

struct sample {
    bool ok; /* it answered; else the candidate or reference failed in some way */
    uint64_t cpu_ns, instructions;
    PyObject *answer, *state; /* state: mutable plain values of the setup, after the call */
};

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

/* Setup and call, in fresh globals that hold `repeat`. 0, or -1 with a Python error set. */
static int timed_call(struct judge_job *job, int repeat, struct sample *ret)
{
    PyObject *entry = judge_entry(job), *globals = entry ? judge_globals(job) : NULL;
    PyObject *before = NULL, *done = NULL;
    if (globals && judge_bind_entry(job, globals, entry) == 0 &&
        set_number(globals, "repeat", repeat) == 0)
        before = PyDict_Copy(globals);
    if (before && judge_seed_random(repeat + 1) == 0)
        done = PyEval_EvalCode(job->suite->timing_setup, globals, globals);
    if (done)
        ret->answer = PyEval_EvalCode(job->suite->timing_call, globals, globals);
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

/* One run of one program. Negative: infra. */
static int measure(struct judge_job *job, struct str program, int repeat, struct sample *ret)
{
    struct judge_guest *g = &job->guest;
    struct keeper_clocked from = {0}, to = {0};
    TRY(judge_job_start_guest(job, &job->suite->limits, false));
    judge_session_begin(g);
    int rc = load_starter(job) == 0 ? judge_guest_clock(g, &from, &job->infra) : GUEST_OVER;
    if (rc == 0 && judge_load(program.s, program.len, 0) == 0 &&
        timed_call(job, repeat, ret) == 0) {
        rc = judge_guest_clock(g, &to, &job->infra);
        ret->ok = rc == 0;
        ret->cpu_ns = to.cpu_ns - from.cpu_ns;
        bool counted = from.instructions > 0 && to.instructions > from.instructions;
        ret->instructions = counted ? to.instructions - from.instructions : 0;
    }
    PyErr_Clear();
    judge_session_end();
    int finished = judge_job_finish_guest(job);
    return rc < 0 && rc != GUEST_OVER ? rc : finished;
}

/* Both answered the same. An object that stayed with its program cannot be compared, and then
 * cannot be timed. */
static bool same_answers(struct judge_job *job, const struct sample *reference,
                         const struct sample *candidate)
{
    const struct judge_compare *how = &job->suite->compare;
    if (judge_is_handle(reference->answer))
        return false;
    bool same = judge_equal(candidate->answer, reference->answer, how) == 1 &&
                judge_equal(candidate->state, reference->state, how) == 1;
    if (!same && job->passed == job->suite->total)
        job->passed--; /* whoever looks at the counts alone sees that not all is well */
    if (!same)
        judge_fail(job, REASON_WRONG_ANSWER, json_string("timing"), candidate->answer,
                   reference->answer, "another answer than the reference's on the timed input");
    PyErr_Clear();
    return same;
}

/* Adds one pair. 1 added, 0 no timing is possible, negative infra. */
static int add_pair(struct judge_job *job, int pair, struct timing *cpu,
                    struct timing *instructions)
{
    struct sample samples[2] = {0}; /* reference, candidate */
    const char *reference = job->suite->reference;
    struct str programs[2] = {str_of(reference), job->program};
    bool with_starter = job->with_starter;
    int rc = 0;
    for (int i = 0; i < 2 && rc == 0; i++) {
        int which = i ^ (pair & 1);
        /* The reference is written like a solution: the starter stands before it. */
        job->with_starter = which == 0 || with_starter;
        rc = measure(job, programs[which], pair, &samples[which]);
    }
    job->with_starter = with_starter;
    if (rc == 0 && samples[0].ok && samples[1].ok && same_answers(job, &samples[0], &samples[1])) {
        timing_add(cpu, (double)samples[0].cpu_ns, (double)samples[1].cpu_ns);
        if (samples[0].instructions && samples[1].instructions)
            timing_add(instructions, (double)samples[0].instructions,
                       (double)samples[1].instructions);
        rc = 1;
    }
    sample_clear(&samples[0]);
    sample_clear(&samples[1]);
    return rc;
}

int judge_run_timing(struct judge_job *job)
{
    struct timing cpu = {0}, instructions = {0};
    const struct timing *used;
    struct judge_job before = *job;
    int64_t until = wall_ns() + TIMING_WALL_NS;
    int rc;
    do {
        rc = add_pair(job, cpu.n, &cpu, &instructions);
        used = instructions.n == cpu.n ? &instructions : &cpu;
    } while (rc > 0 && timing_decide(used, job->suite->timing_margin) == TIMING_MORE &&
             wall_ns() < until);
    /* The verdict's cost is that of its tests. */
    job->cpu_us = before.cpu_us;
    job->wall_us = before.wall_us;
    job->memory_peak_kib = before.memory_peak_kib;
    if (rc <= 0)
        return rc;
    struct timing_summary s = timing_summarise(used);
    json_decref(job->speedup);
    job->speedup =
        json_pack("{s:f, s:f, s:f, s:i, s:s}", "ratio", s.ratio, "low", s.low, "high", s.high,
                  "pairs", s.pairs, "clock", used == &cpu ? "cpu" : "instructions");
    return 0;
}
