/* judge_sleep.c: whether the program of a job sleeps.
 *
 * A program that waits for a time, a lock or input that never comes keeps its slot until its limit,
 * and its core has nothing to do meanwhile. The verifier lets another slot work there then
 * (pool.c), if it is told. So a judge that waits for its guest looks at the clocks at every window's
 * end: if guest and judge together used next to nothing of it, the job sleeps, until a window of which
 * they used more. Only changes are told. Of the guest nothing is believed: its processor time comes
 * from the keeper.
 *
 * What is ready to run has a larger share of its core, unless ten others want it too; then it passes
 * for asleep, and there is one more. While pairs are timed nobody looks: their slot is at work. */
#include "verifier/judge_sleep.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire.h"

static const int64_t WINDOW_NS = 50ll * NS_PER_MS;
enum { AWAKE_SHARE = 10 }; /* who uses no less than a tenth of a window is awake */

static struct {
    bool open, looks; /* a job's; and its guest is looked at */
    bool asleep;      /* as the verifier was told */
    int fd;
    uint32_t seq;
    int64_t from_ns, spent_ns; /* the window's begin; what both had used then */
} job;

static void tell(bool asleep)
{
    struct {
        struct wire_header head;
        char json[24];
    } frame = {.head = {.version = WIRE_VERSION, .type = WIRE_ASLEEP, .seq = job.seq}};
    if (!job.open || asleep == job.asleep)
        return;
    job.asleep = asleep;
    frame.head.len = (uint32_t)snprintf(frame.json, sizeof frame.json, "{\"asleep\":%s}",
                                        asleep ? "true" : "false");
    /* So few bytes go whole or not at all; without a verifier nothing is lost. */
    ssize_t n = write(job.fd, &frame, sizeof frame.head + frame.head.len);
    (void)n;
}

void judge_sleep_open(int fd, uint32_t seq)
{
    memset(&job, 0, sizeof job);
    job.fd = fd;
    job.seq = seq;
    job.open = true;
}

void judge_sleep_close(void)
{
    job.open = job.looks = false;
}

void judge_sleep_begin(bool timed)
{
    tell(false);
    job.looks = job.open && !timed;
    job.from_ns = wall_ns();
    job.spent_ns = cpu_ns();
}

void judge_sleep_end(void)
{
    tell(false);
    job.looks = false;
}

int judge_sleep_wait_ms(void)
{
    if (!job.looks)
        return -1;
    int64_t left = job.from_ns + WINDOW_NS - wall_ns();
    return left > 0 ? (int)(left / NS_PER_MS) + 1 : 0;
}

void judge_sleep_look(int64_t guest_ns)
{
    int64_t spent = guest_ns + cpu_ns(), passed = wall_ns() - job.from_ns;
    tell((spent - job.spent_ns) * AWAKE_SHARE < passed);
    job.from_ns += passed;
    job.spent_ns = spent;
}
