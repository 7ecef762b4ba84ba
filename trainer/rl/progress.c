/* progress.c: the live line. On a terminal it is drawn over itself at most ten times a second;
 * elsewhere a plain line is written every few seconds and at the end of each stage, so that a log
 * file stays short. */
#include "trainer/rl/progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"

enum { MEAN_STEPS = 10, NAME_BYTES = 64 };
static const double LIVE_S = .1, PLAIN_S = 5;

struct progress {
    FILE *out;
    bool live, drawn;
    char stage[NAME_BYTES];
    int total;
    double shown, stage_started;
    struct progress_step last;
    bool any, unshown;
    double pass[MEAN_STEPS]; /* of the latest steps, a ring */
    int n_pass;
};

struct progress *progress_start(FILE *out)
{
    struct progress *p = xcalloc(1, sizeof *p);
    const char *term = getenv("TERM");
    p->out = out;
    p->live = isatty(fileno(out)) && term && strcmp(term, "dumb") != 0;
    return p;
}

static void duration(double s, struct buf *out)
{
    long t = lround(s);
    if (t >= 3600)
        buf_printf(out, "%ld:%02ld:%02ld", t / 3600, t / 60 % 60, t % 60);
    else
        buf_printf(out, "%ld:%02ld", t / 60, t % 60);
}

static void number(struct buf *out, const char *name, double x, const char *format)
{
    if (!isfinite(x))
        return;
    char text[32];
    /* The format is one of the few constants below. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, format, x);
#pragma GCC diagnostic pop
    buf_printf(out, "  %s %s", name, text);
}

static double mean_pass(const struct progress *p)
{
    int n = p->n_pass < MEAN_STEPS ? p->n_pass : MEAN_STEPS;
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += p->pass[i];
    return n ? sum / n : NAN;
}

/* Shares of the five grades in percent: "4/2/38/52/4" in the order not-code .. faster. */
static void grades(const struct progress_step *s, struct buf *out)
{
    int total = 0;
    for (int g = 0; g < GRADE_COUNT; g++)
        total += s->grades[g] > 0 ? s->grades[g] : 0;
    if (s->grades[0] < 0 || !total)
        return;
    buf_puts(out, "  grades ");
    for (int g = 0; g < GRADE_COUNT; g++)
        buf_printf(out, "%s%.0f", g ? "/" : "", 100. * s->grades[g] / total);
}

static void compose(const struct progress *p, struct buf *out)
{
    const struct progress_step *s = &p->last;
    double spent = wall_s() - p->stage_started;
    buf_puts(out, p->stage);
    if (p->total > 0)
        buf_printf(out, " %d/%d", s->step, p->total);
    else
        buf_printf(out, " %d", s->step);
    number(out, "loss", s->loss, "%.4f");
    number(out, "reward", s->reward, "%.3f");
    number(out, "pass", mean_pass(p) * 100, "%.1f%%");
    grades(s, out);
    number(out, "length", s->length, "%.0f");
    number(out, "tok/s", s->tokens_per_s, "%.0f");
    number(out, "verdicts/s", s->verdicts_per_s, "%.0f");
    buf_puts(out, "  ");
    duration(spent, out);
    if (p->total > 0 && s->step > 0 && s->step < p->total) {
        buf_puts(out, "  ETA ");
        duration(spent / s->step * (p->total - s->step), out);
    }
}

static int columns(FILE *out)
{
    struct winsize w;
    return ioctl(fileno(out), TIOCGWINSZ, &w) == 0 && w.ws_col > 10 ? w.ws_col : 80;
}

static void erase(struct progress *p)
{
    if (p->drawn)
        fputs("\r\033[K", p->out);
    p->drawn = false;
}

/* `stays`: the line is finished, the next one goes below it. */
static void show(struct progress *p, bool stays)
{
    struct buf line = {0};
    compose(p, &line);
    if (p->live) {
        int width = columns(p->out) - 1;
        fprintf(p->out, "\r%.*s\033[K%s", stays ? (int)line.len : width, line.s, stays ? "\n" : "");
        p->drawn = !stays;
    } else {
        fprintf(p->out, "%s\n", line.s);
    }
    fflush(p->out);
    buf_free(&line);
    p->shown = wall_s();
    p->unshown = false;
}

static void end_stage(struct progress *p)
{
    if (p->any && (p->unshown || p->drawn))
        show(p, true);
    p->any = p->unshown = false;
}

void progress_stage(struct progress *p, const char *name, int total)
{
    end_stage(p);
    snprintf(p->stage, sizeof p->stage, "%s", name);
    p->total = total;
    p->n_pass = 0;
    p->stage_started = wall_s();
    p->shown = p->live ? 0 : p->stage_started;
}

void progress_step(struct progress *p, const struct progress_step *s)
{
    p->last = *s;
    p->any = p->unshown = true;
    if (isfinite(s->pass))
        p->pass[p->n_pass++ % MEAN_STEPS] = s->pass;
    if (wall_s() - p->shown >= (p->live ? LIVE_S : PLAIN_S))
        show(p, false);
}

void progress_note(struct progress *p, const char *fmt, ...)
{
    va_list ap;
    erase(p);
    va_start(ap, fmt);
    vfprintf(p->out, fmt, ap);
    va_end(ap);
    fputc('\n', p->out);
    fflush(p->out);
}

void progress_end(struct progress *p)
{
    if (!p)
        return;
    end_stage(p);
    free(p);
}
