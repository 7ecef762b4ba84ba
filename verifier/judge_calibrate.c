/* judge_calibrate.c: time limits that are relative to the reference on this host.
 *
 * A limit in seconds means another thing on each machine. Where a problem says how many times the
 * reference's time a program may take, the reference goes first: through the same tests, in guests
 * of the same kind, under the problem's upper bounds. What the slowest of its guests used, times
 * the factor, is the limit of every program after it. That happens once for a suite and stays with
 * it. A reference of a millisecond would make a limit that noise decides, so there is a floor. */
#include "verifier/judge_calibrate.h"

#include "verifier/judge_job.h"

static const double CPU_S_MIN = 0.5;
/* A program that sleeps or waits ends by this many times its CPU limit. */
static const double WALL_TIMES = 5, WALL_S_MIN = 10;

static double between(double low, double value, double high)
{
    return value > high ? high : value < low ? low : value;
}

static void set_limits(struct judge_suite *s, double reference_s)
{
    struct limits *l = &s->limits;
    const double floor = CPU_S_MIN < l->cpu_s ? CPU_S_MIN : l->cpu_s;
    l->cpu_s = between(floor, l->cpu_times * reference_s, l->cpu_s);
    l->wall_s = between(0, WALL_TIMES * l->cpu_s > WALL_S_MIN ? WALL_TIMES * l->cpu_s : WALL_S_MIN,
                        l->wall_s);
    s->uncalibrated = false;
}

int judge_calibrate(struct judge_suite *s, struct err *err)
{
    struct judge_job job = {
        .suite = s,
        .program = str_of(s->reference ? s->reference : ""),
        .with_starter = true,
        .frames_fd = -1,
        .failures = json_array(),
        .lint = json_array(),
        .groups = json_deep_copy(s->groups),
        .guest = {.fd = -1, .pipes = {-1, -1, -1}},
    };
    int rc = judge_run_tests(&job);
    if (rc < 0) {
        *err = job.infra;
    } else if (job.reason != REASON_NONE) {
        rc = err_set(err, -EINVAL, "limits: the reference passes %d of %d tests", job.passed,
                     s->total);
        s->broken = check_alloc(strdup(err->text));
    } else {
        set_limits(s, (double)job.cpu_us_most / 1e6);
    }
    json_decref(job.failures);
    json_decref(job.lint);
    json_decref(job.groups);
    judge_guest_free(&job.guest);
    return rc;
}
