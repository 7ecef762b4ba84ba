/* metrics.c: the server's numbers in Prometheus's text format, version 0.0.4. */
#include "metrics.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "grade.h"
#include "outlet.h"
#include "samples.h"
#include "sandbox.h"
#include "server.h"

static const double bounds[HISTOGRAM_BUCKETS] = {.001, .0025, .005, .01, .025, .05, .1, .25,
                                                 .5,   1,     2.5,  5,   10,   30,  120};

void histogram_add(struct histogram *h, double seconds)
{
    int i = 0;
    while (i < HISTOGRAM_BUCKETS && seconds > bounds[i])
        i++;
    h->counts[i]++;
    h->sum += seconds;
}

void histogram_write(const struct histogram *h, const char *name, const char *labels,
                     struct buf *out)
{
    const char *comma = *labels ? "," : "", *open = *labels ? "{" : "", *close = *labels ? "}" : "";
    long n = 0;
    for (int i = 0; i <= HISTOGRAM_BUCKETS; i++) {
        n += h->counts[i];
        buf_printf(out, "assay_%s_bucket{%s%sle=\"", name, labels, comma);
        if (i < HISTOGRAM_BUCKETS)
            buf_printf(out, "%g", bounds[i]);
        else
            buf_puts(out, "+Inf");
        buf_printf(out, "\"} %ld\n", n);
    }
    buf_printf(out, "assay_%s_sum%s%s%s %.9g\n", name, open, labels, close, h->sum);
    buf_printf(out, "assay_%s_count%s%s%s %ld\n", name, open, labels, close, n);
}

static uint32_t isolation_of(const json_t *verdict)
{
    uint32_t bits = 0;
    size_t i;
    const json_t *name;
    json_array_foreach (json_object_get(verdict, "isolation"), i, name)
        for (int bit = 0; bit < SBX_ISOLATION_COUNT; bit++)
            if (strcmp(json_string_value(name), sbx_isolation_name(bit)) == 0)
                bits |= 1u << bit;
    return bits;
}

void metrics_verdict(struct metrics *m, const json_t *item, const json_t *verdict, double seconds)
{
    const json_t *cpu = json_object_get(json_object_get(verdict, "time"), "cpu_ms");
    int grade = grade_of(verdict);
    unsigned signs = signs_of(samples_text(item));
    const uint32_t isolation = isolation_of(verdict);
    m->isolation = isolation ? isolation : m->isolation;
    tally_add(&m->tally, verdict);
    histogram_add(&m->verdict, seconds);
    if (cpu && !json_is_true(json_object_get(verdict, "cached")))
        histogram_add(&m->cpu, json_number_value(cpu) / 1e3);
    for (int i = 0; i < SIGNS_MAX; i++)
        m->signs[i][grade >= GRADE_CORRECT] += signs >> i & 1;
}

/* ---- text ------------------------------------------------------------------------------------ */

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
    buf_printf(b, "# HELP assay_%s %s\n# TYPE assay_%s %s\n", name, help, name, type);
}

static void one(struct buf *b, const char *name, const char *type, const char *help, double value)
{
    head(b, name, type, help);
    buf_printf(b, "assay_%s %.15g\n", name, value);
}

static void write_verdicts(const struct metrics *m, struct buf *b)
{
    const struct tally *t = &m->tally;
    head(b, "verdicts_total", "counter", "Verdicts given, by grade; infra is a fault of ours.");
    for (int g = 0; g < GRADE_COUNT; g++)
        buf_printf(b, "assay_verdicts_total{grade=\"%s\"} %ld\n", grade_name(g), t->grades[g]);
    buf_printf(b, "assay_verdicts_total{grade=\"infra\"} %ld\n", t->infra);
    head(b, "reasons_total", "counter", "Why programs were not correct.");
    for (int why = 1; why < REASON_COUNT; why++)
        buf_printf(b, "assay_reasons_total{reason=\"%s\"} %ld\n", reason_name(why),
                   t->reasons[why]);
    head(b, "exploit_signs_total", "counter",
         "Replies whose text shows what cheating programs contain. No grade depends on it.");
    for (int i = 0; signs_name(i); i++)
        for (int passed = 0; passed < 2; passed++)
            buf_printf(b, "assay_exploit_signs_total{sign=\"%s\",passed=\"%s\"} %ld\n",
                       signs_name(i), passed ? "yes" : "no", m->signs[i][passed]);
    one(b, "cached_total", "counter", "Verdicts known before.", (double)t->cached);
    one(b, "deadlines_total", "counter", "Completions whose request's deadline passed.",
        (double)m->deadlines);
    head(b, "verdict_seconds", "histogram",
         "From the start of a completion's job, its wait for a slot included, to its verdict.");
    histogram_write(&m->verdict, "verdict_seconds", "", b);
    head(b, "program_cpu_seconds", "histogram", "CPU time of the programs that were run.");
    histogram_write(&m->cpu, "program_cpu_seconds", "", b);
}

static void write_requests(const struct server *s, struct buf *b)
{
    const struct metrics *m = &s->metrics;
    char label[64];
    head(b, "http_answers_total", "counter", "Answers by class of status.");
    for (int c = 2; c < 6; c++)
        buf_printf(b, "assay_http_answers_total{class=\"%dxx\"} %ld\n", c, m->answers[c]);
    head(b, "http_request_seconds", "histogram",
         "From a request's first line to its answer's end.");
    for (size_t i = 0; i < server_n_routes; i++) {
        snprintf(label, sizeof label, "path=\"%s\"", server_routes[i].path);
        histogram_write(&m->routes[i], "http_request_seconds", label, b);
    }
    one(b, "refused_total", "counter", "Requests refused because the queue or the memory was full.",
        (double)m->refused);
    one(b, "faults_total", "counter", "Questions answered 503 or 504 for a fault of ours.",
        (double)m->faults);
    one(b, "cancelled_total", "counter", "Requests whose client went away.", (double)m->cancelled);
    one(b, "pending", "gauge", "Completions accepted and not yet answered.", (double)s->pending);
    one(b, "held_bytes", "gauge", "Bodies and answers held for requests.", (double)s->held);
    one(b, "log_dropped_total", "counter",
        "Lines of the log that nobody read and that were dropped.", (double)outlet_dropped());
    one(b, "problems", "gauge", "Problems there are.", s->catalog->set.n);
    head(b, "reloads_total", "counter", "Times the problems were read anew.");
    buf_printf(b, "assay_reloads_total{result=\"ok\"} %ld\n", m->reloads);
    buf_printf(b, "assay_reloads_total{result=\"failed\"} %ld\n", m->reload_failures);
}

static void write_cache(const struct cache *c, struct buf *b)
{
    one(b, "cache_hits_total", "counter", "Questions whose answer was known, or being found.",
        (double)c->hits);
    one(b, "cache_misses_total", "counter", "Questions that were new.", (double)c->misses);
    one(b, "cache_corrupt_total", "counter", "Known answers that failed their checksum.",
        (double)c->corrupt);
    one(b, "cache_bytes", "gauge", "Size of the known questions and answers.", (double)c->bytes);
}

static void write_slots(const struct server *s, struct buf *b)
{
    struct pool_stats judges = pool_stats(s->grader.judges),
                      linters = pool_stats(s->grader.linters);
    const json_t *isolation = json_object_get(pool_hello(s->grader.judges), "isolation");
    one(b, "slots", "gauge", "Slots that may work at once.", judges.slots);
    one(b, "slots_ready", "gauge", "Slots that are up, spare ones too.", judges.ready);
    one(b, "slots_busy", "gauge", "Slots that run a program.", judges.busy);
    one(b, "slots_asleep", "gauge", "Slots that run a program which sleeps.", judges.asleep);
    head(b, "queue", "gauge", "What waits for a slot, and for a linter, or behind another there.");
    buf_printf(b, "assay_queue{pool=\"judge\"} %d\nassay_queue{pool=\"lint\"} %d\n",
               judges.queued + judges.ahead, linters.queued + linters.ahead);
    one(b, "slot_restarts_total", "counter", "Slots and linters that died or overran.",
        (double)(judges.restarts + linters.restarts));
    one(b, "retries_total", "counter", "Tasks tried again after a fault of ours.",
        (double)(judges.retried + linters.retried));
    one(b, "kills_total", "counter", "Helpers and guests killed from outside.",
        (double)(judges.kills + linters.kills));
    one(b, "slot_moves_total", "counter", "Times a slot was moved to another core.",
        (double)judges.moves);
    head(b, "isolation", "gauge", "What confines the judge on this host.");
    for (size_t i = 0; i < json_array_size(isolation); i++)
        buf_printf(b, "assay_isolation{kind=\"%s\"} 1\n",
                   json_string_value(json_array_get(isolation, i)));
    if (s->metrics.isolation == 0)
        return;
    head(b, "guest_isolation", "gauge",
         "What confined the program that ran last, as it found itself.");
    for (int bit = 0; bit < SBX_ISOLATION_COUNT; bit++)
        buf_printf(b, "assay_guest_isolation{kind=\"%s\"} %d\n", sbx_isolation_name(bit),
                   s->metrics.isolation >> bit & 1);
}

/* -1: unknown. */
static long open_files(void)
{
    DIR *d = opendir("/proc/self/fd");
    long n = d ? -3 : -1; /* "." and ".." and the folder itself */
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* Under the names that Prometheus's own client libraries use. */
static void write_process(const struct server *s, struct buf *b)
{
    struct rusage own;
    char line[128]; /* pages: all, resident, ... */
    long resident = 0, files = open_files();
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fgets(line, sizeof line, f) && strchr(line, ' '))
        resident = strtol(strchr(line, ' '), NULL, 10);
    if (f)
        fclose(f);
    getrusage(RUSAGE_SELF, &own);
    one(b, "uptime_seconds", "gauge", "Time since the start.",
        (double)(wall_ns() - s->started_ns) / 1e9);
    buf_printf(b,
               "# HELP process_resident_memory_bytes Memory of the server, its slots not counted.\n"
               "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %ld\n"
               "# HELP process_cpu_seconds_total CPU time of the server, its slots not counted.\n"
               "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.6f\n"
               "# HELP process_open_fds Open files.\n"
               "# TYPE process_open_fds gauge\nprocess_open_fds %ld\n",
               resident * sysconf(_SC_PAGESIZE),
               seconds_of(own.ru_utime) + seconds_of(own.ru_stime), files);
}

void metrics_write(const struct server *s, struct buf *out)
{
    write_verdicts(&s->metrics, out);
    write_cache(&s->grader.cache, out);
    write_requests(s, out);
    write_slots(s, out);
    write_process(s, out);
}
