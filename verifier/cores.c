/* cores.c: which core a slot runs on.
 *
 * The processes of a slot (judge, keeper, guest) work in turn and wake each other a dozen times in
 * a verdict. A kernel that finds another core idle wakes them there: that core must come out of its
 * sleep, and what the last one had in its caches is left behind. Two slots that wandered over two
 * cores took up to twice the processor time of two that stayed. So a slot stays on one core, and
 * only the start of a task may move it: its judge moves itself and has its guests forked there
 * (WIRE_CORE). Linters and the verifier itself are the kernel's to place; they fill the gaps.
 *
 * Staying has a price where somebody else wants the same core and another has nothing to do: two
 * runs of one slot each, or a machine's other work. The kernel may not move a slot then, so this
 * does, a few times a second at most, by the idle time in /proc/stat. Two runs that look at the
 * same moment would both move, and again; each therefore looks at random times. */
#include "cores.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

enum { LOOK_MS_MIN = 200, LOOK_MS_SPREAD = 200, TICKS_MIN = 10 };

/* A core is crowded below the first and free above the second. */
static const double CROWDED = 0.05, FREE = 0.6;

static struct core *core_of(struct cores *c, int id)
{
    for (int i = 0; i < c->n; i++)
        if (c->list[i].id == id)
            return &c->list[i];
    return NULL;
}

static void follow_allowed(struct cores *c)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        CPU_ZERO(&set);
    if (CPU_EQUAL(&set, &c->allowed))
        return;
    c->allowed = set;
    c->n = c->next = 0;
    c->list = xrealloc(c->list, (size_t)CPU_COUNT(&set) + 1, sizeof *c->list);
    for (int id = 0, here = sched_getcpu(); id < CPU_SETSIZE; id++) {
        if (!CPU_ISSET(id, &set))
            continue;
        if (id == here) /* the kernel has just found this one good for a new process */
            c->next = c->n;
        c->list[c->n++] = (struct core){.id = id, .unused = -1};
    }
}

/* A line of /proc/stat: "cpu3 user nice system idle iowait irq softirq steal guest guest_nice", in
 * ticks since the start, where user and nice hold the last two already. */
static void follow_use(struct cores *c, const char *line)
{
    uint64_t t[8] = {0}, passed = 0;
    const char *number = line + strlen("cpu");
    char *at;
    struct core *core = core_of(c, (int)strtol(number, &at, 10));
    if (*number == ' ' || !core) /* the first line is of all cores */
        return;
    for (int i = 0; i < 8; i++) {
        t[i] = strtoull(at, &at, 10);
        passed += t[i];
    }
    uint64_t idle = t[3] + t[4];
    bool known = core->passed > 0 && passed >= core->passed + TICKS_MIN && idle >= core->idle;
    core->unused = known ? (double)(idle - core->idle) / (double)(passed - core->passed) : -1;
    core->idle = idle;
    core->passed = passed;
}

void cores_look(struct cores *c, uint64_t now_ms)
{
    char line[512];
    if (now_ms < c->look_ms)
        return;
    c->look_ms = now_ms + LOOK_MS_MIN + rng_below(&c->rng, LOOK_MS_SPREAD);
    follow_allowed(c);
    FILE *f = c->n > 1 ? fopen("/proc/stat", "re") : NULL;
    while (f && fgets(line, sizeof line, f) && strncmp(line, "cpu", 3) == 0)
        follow_use(c, line);
    if (f)
        fclose(f);
}

void cores_count(struct cores *c, int core)
{
    struct core *at = core_of(c, core);
    if (at)
        at->busy++;
}

int cores_choose(struct cores *c, int last)
{
    struct core *best = NULL, *at = core_of(c, last);
    int fewest = INT32_MAX;
    for (int i = 0; i < c->n; i++)
        fewest = c->list[i].busy < fewest ? c->list[i].busy : fewest;
    for (int k = 0; k < c->n; k++) {
        struct core *one = &c->list[(c->next + k) % c->n];
        if (one->busy == fewest && (!best || one->unused > best->unused))
            best = one;
    }
    bool crowded = at && at->unused >= 0 && at->unused < CROWDED;
    if (at && at->busy == fewest && !(crowded && best && best->unused > FREE))
        best = at;
    if (best && best != at) {
        c->next = (int)(best - c->list + 1) % c->n;
        best->unused = -1; /* no longer known, so that nobody else moves there for it */
    }
    for (int i = 0; i < c->n; i++)
        c->list[i].busy = 0;
    return best ? best->id : -1;
}

void cores_open(struct cores *c)
{
    *c = (struct cores){.rng = rng_make((uint64_t)getpid(), 0)};
    cores_look(c, 1);
}

void cores_close(struct cores *c)
{
    free(c->list);
    *c = (struct cores){0};
}
