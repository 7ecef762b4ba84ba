/* report.c: progress lines and the summary. */
#include "report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "grade.h"
#include "outlet.h"

static const char *const grade_names[] = GRADE_NAMES;
static const char *const reason_names[] = REASON_NAMES;
enum { TERMINAL_EVERY_MS = 200, PLAIN_EVERY_MS = 10000 };

const char *grade_name(enum grade g)
{
    return grade_names[g];
}

const char *reason_name(enum reason r)
{
    return reason_names[r];
}

void tally_add(struct tally *t, const json_t *verdict)
{
    int grade = grade_of(verdict);
    const char *reason = json_string_value(json_object_get(verdict, "reason"));
    t->n++;
    t->cached += json_is_true(json_object_get(verdict, "cached"));
    if (grade < 0)
        t->infra++;
    else
        t->grades[grade]++;
    for (int i = 1; reason && i < REASON_COUNT; i++)
        t->reasons[i] += strcmp(reason, reason_names[i]) == 0;
}

double pass_at_k(long n, long c, long k)
{
    double none = 1;
    if (n - c < k)
        return 1;
    for (long i = n - c + 1; i <= n; i++)
        none *= 1 - (double)k / (double)i;
    return 1 - none;
}

int report_init(struct report *r, const char *k, long total, struct err *err)
{
    *r = (struct report){.total = total,
                         .terminal = isatty(STDERR_FILENO),
                         .tasks = json_object(),
                         .groups = json_object()};
    r->started_ns = r->said_ns = wall_ns();
    for (const char *at = k; *at;) {
        char *end;
        long v = strtol(at, &end, 10);
        if (end == at || (*end && *end != ',') || v < 1 || v > 1000000 || r->n_k == PASS_K_MAX) {
            report_free(r);
            return err_set(err, -EINVAL,
                           "--k %s: up to %d positive numbers with commas between them", k,
                           PASS_K_MAX);
        }
        r->k[r->n_k++] = (int)v;
        at = *end ? end + 1 : end;
    }
    return 0;
}

void report_free(struct report *r)
{
    json_decref(r->tasks);
    json_decref(r->groups);
    r->tasks = r->groups = NULL;
}

/* A verdict whose tests are in groups (EvalPlus's base and plus) counts in each group by itself. */
static void add_groups(struct report *r, const char *id, const json_t *verdict)
{
    const char *name;
    json_t *group;
    json_t *groups = json_object_get(json_object_get(verdict, "tests"), "groups");
    json_object_foreach (groups, name, group) {
        json_int_t passed = json_integer_value(json_object_get(group, "passed")),
                   total = json_integer_value(json_object_get(group, "total"));
        json_t *tasks = json_object_get(r->groups, name);
        if (!tasks)
            json_object_set_new(r->groups, name, tasks = json_object());
        json_int_t before = json_integer_value(json_object_get(tasks, id));
        json_object_set_new(tasks, id, json_integer(before + (total > 0 && passed == total)));
    }
}

void report_add(struct report *r, const json_t *verdict)
{
    int grade = grade_of(verdict);
    const char *id = json_string_value(json_object_get(verdict, "task_id"));
    tally_add(&r->tally, verdict);
    if (grade < 0 || !id)
        return;
    json_t *task = json_object_get(r->tasks, id);
    if (!task) {
        task = json_pack("[i, i]", 0, 0);
        json_object_set_new(r->tasks, id, task);
    }
    json_t *n = json_array_get(task, 0), *c = json_array_get(task, 1);
    json_integer_set(n, json_integer_value(n) + 1);
    json_integer_set(c, json_integer_value(c) + (grade == GRADE_CORRECT || grade == GRADE_FASTER));
    add_groups(r, id, verdict);
}

void report_progress(struct report *r, bool force)
{
    int64_t now = wall_ns();
    int64_t every = (int64_t)(r->terminal ? TERMINAL_EVERY_MS : PLAIN_EVERY_MS) * NS_PER_MS;
    const struct tally *t = &r->tally;
    if (!force && now - r->said_ns < every)
        return;
    r->said_ns = now;
    double spent = (double)(now - r->started_ns) / 1e9,
           rate = (double)t->n / (spent > 1e-3 ? spent : 1e-3);
    struct buf line = {0};
    buf_printf(&line, r->terminal ? "\r\033[K%ld" : "assay: %ld", t->n);
    if (r->total >= 0)
        buf_printf(&line, "/%ld", r->total);
    buf_printf(&line, " graded, %.0f/s", rate);
    if (r->total > t->n && t->n > 0)
        buf_printf(&line, ", %.0f s left", (double)(r->total - t->n) / rate);
    for (int g = 0; g < GRADE_COUNT; g++)
        buf_printf(&line, "%s %s %ld", g ? "," : " |", grade_names[g], t->grades[g]);
    if (t->infra)
        buf_printf(&line, ", INFRA %ld", t->infra);
    buf_puts(&line, r->terminal ? "" : "\n");
    outlet_put(line.s, line.len);
    buf_free(&line);
}

static double cpu_of(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Whether the task has tests of some group: it was seen with one. */
static bool is_grouped(const struct report *r, const char *id)
{
    const char *name;
    json_t *tasks;
    json_object_foreach (r->groups, name, tasks)
        if (json_object_get(tasks, id))
            return true;
    return false;
}

/* pass@k of all tests, or of one group of them. A task whose programs never came to run says
 * nothing of its groups; it counts in each, with nothing passed. */
static void pass_line(const struct report *r, int k, const char *group, FILE *out)
{
    const json_t *passed = json_object_get(r->groups, group ? group : "");
    const char *id;
    json_t *task;
    double sum = 0;
    long tasks = 0;
    json_object_foreach (r->tasks, id, task) {
        long n = (long)json_integer_value(json_array_get(task, 0)),
             c = (long)json_integer_value(json_array_get(task, 1));
        if (group && !json_object_get(passed, id) && is_grouped(r, id))
            continue;
        if (group)
            c = (long)json_integer_value(json_object_get(passed, id));
        if (n < k)
            continue;
        sum += pass_at_k(n, c, k);
        tasks++;
    }
    if (tasks)
        fprintf(out, "  pass@%-9d %8.4f   over %ld problem%s with that many verdicts%s%s\n", k,
                sum / (double)tasks, tasks, tasks == 1 ? "" : "s", group ? ", tests of " : "",
                group ? group : "");
}

static void summary_pass(const struct report *r, FILE *out)
{
    const char *group;
    json_t *tasks;
    for (int i = 0; i < r->n_k; i++) {
        pass_line(r, r->k[i], NULL, out);
        json_object_foreach (r->groups, group, tasks)
            pass_line(r, r->k[i], group, out);
    }
}

void report_summary(struct report *r, FILE *out)
{
    /* The reasons are listed in the order of the three grades that have any; these are the last of
     * each. */
    static const enum reason last_reason[] = {REASON_PROSE, REASON_OTHER_LANGUAGE,
                                              REASON_COUNT - 1};
    const struct tally *t = &r->tally;
    double spent = (double)(wall_ns() - r->started_ns) / 1e9;
    if (r->terminal)
        fputs("\r\033[K", stderr);
    fprintf(out, "%ld verdict%s in %.2f s: %.1f/s, %.2f s of CPU%s", t->n, t->n == 1 ? "" : "s",
            spent, (double)t->n / (spent > 1e-3 ? spent : 1e-3),
            cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN), t->cached ? "" : "\n");
    if (t->cached)
        fprintf(out, ", %ld known before\n", t->cached);
    for (int g = 0, reason = 1; g < GRADE_COUNT; g++) {
        fprintf(out, "  %-14s %8ld   %5.1f %%", grade_names[g], t->grades[g],
                t->n ? 100.0 * (double)t->grades[g] / (double)t->n : 0);
        if (g < (int)COUNT_OF(last_reason))
            for (const char *sep = "  "; reason <= (int)last_reason[g]; reason++)
                if (t->reasons[reason]) {
                    fprintf(out, "%s %s %ld", sep, reason_names[reason], t->reasons[reason]);
                    sep = ",";
                }
        fputc('\n', out);
    }
    if (t->infra)
        fprintf(out, "  %-14s %8ld   no grade: a fault of ours, not of the program\n", "infra",
                t->infra);
    summary_pass(r, out);
}
