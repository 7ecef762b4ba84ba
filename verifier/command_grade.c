/* command_grade.c: `assay grade`: samples in, verdicts out in the same order.
 *
 * A file of samples is read twice: first all of it is checked, so that a bad line at its end costs
 * nothing; then it is graded. Reading happens a batch at a time on libuv's worker thread, since a
 * pipe may make it wait. The window of samples between the oldest unwritten verdict and the newest
 * started job is bounded, and so is the memory. */
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "command.h"
#include "config.h"
#include "generate.h"
#include "job.h"
#include "outlet.h"
#include "output.h"
#include "report.h"
#include "samples.h"

static const int64_t CHECK_SAY_NS = 10LL * NS_PER_S;
enum { WINDOW = 1024, BATCH = 64, STARTED_PER_SLOT = 8, REFILL = 16, TICK_MS = 200 };

struct options {
    char *problems[SPECS_MAX];
    int n_problems, slots, shard, shards;
    const char *samples, *out, *k, *reward;
    bool timing, resume, cache_timed;
};

struct row {
    struct grading *grading;
    json_t *item;
    const struct problem *problem;
    char *verdict; /* its line, once it is there */
};

struct grading {
    const struct options *options;
    uv_loop_t loop;
    struct grader grader;
    struct problem_set set;
    struct samples samples;
    struct report report;
    struct output output;
    off_t kept_at; /* in output.kept: the line of the next sample that an earlier run has graded */
    char *kept_line;
    size_t kept_room; /* of kept_line */
    json_t *counts;   /* task_id -> samples so far */
    long seen;        /* lines read, for --shard */
    struct row rows[WINDOW];
    long first, next; /* the oldest unwritten row and the next to start, each modulo WINDOW */
    long finished;
    struct row batch[BATCH];
    int batch_at, batch_n;
    bool reading, ended, pumping, stopped, refilling;
    struct err err;        /* a bad sample, or an output that cannot be written */
    struct err reader_err; /* the worker's own */
    int signal;
    uv_work_t reader;
    uv_timer_t tick;
    uv_signal_t on_int, on_term;
};

static void pump(struct grading *g);

static void stop(struct grading *g)
{
    if (g->stopped)
        return;
    g->stopped = true;
    grader_stop(&g->grader);
    uv_close((uv_handle_t *)&g->tick, NULL);
    uv_close((uv_handle_t *)&g->on_int, NULL);
    uv_close((uv_handle_t *)&g->on_term, NULL);
    if (g->reading) /* the worker may wait for a pipe that never says anything again */
        uv_stop(&g->loop);
}

static void on_signal(uv_signal_t *handle, int signal)
{
    struct grading *g = handle->data;
    g->signal = signal;
    stop(g);
}

static void on_tick(uv_timer_t *timer)
{
    struct grading *g = timer->data;
    report_progress(&g->report, false);
    outlet_flush();
    if (!g->err.code && output_flush(&g->output, &g->err) < 0)
        stop(g);
}

/* On a worker thread; the loop leaves samples and batch alone meanwhile. */
static void read_batch(uv_work_t *work)
{
    struct grading *g = work->data;
    g->batch_at = g->batch_n = 0;
    while (g->batch_n < BATCH) {
        struct row *r = &g->batch[g->batch_n];
        int rc = samples_next(&g->samples, &g->set, &r->item, &r->problem, &g->reader_err);
        if (rc <= 0) {
            g->ended = true;
            return;
        }
        if (g->seen++ % g->options->shards == g->options->shard)
            g->batch_n++;
        else
            json_decref(r->item);
    }
}

static void on_batch(uv_work_t *work, int status)
{
    struct grading *g = work->data;
    (void)status;
    g->reading = false;
    if (g->err.code)
        stop(g);
    pump(g);
}

static void on_verdict(void *ctx, json_t *verdict)
{
    struct row *r = ctx;
    struct grading *g = r->grading;
    r->verdict = json_dumps(verdict, REPORT_JSON);
    CHECK(r->verdict);
    g->finished++;
    report_add(&g->report, verdict);
    pump(g);
}

static void write_ready(struct grading *g)
{
    for (; g->first < g->next && g->rows[g->first % WINDOW].verdict; g->first++) {
        struct row *r = &g->rows[g->first % WINDOW];
        if (!g->err.code)
            output_line(&g->output, r->verdict, &g->err);
        free(r->verdict);
        json_decref(r->item);
        *r = (struct row){0};
    }
    if (g->err.code)
        stop(g);
}

static int count_sample(struct grading *g, const char *id)
{
    json_int_t n = json_integer_value(json_object_get(g->counts, id));
    json_object_set_new(g->counts, id, json_integer(n + 1));
    return (int)n;
}

/* With --resume: the next sample has its verdict in PATH.part already, so it only counts. */
static bool kept(struct grading *g, const struct row *r, int sample)
{
    if (g->kept_at >= g->output.kept_bytes)
        return false;
    const ssize_t n = getline(&g->kept_line, &g->kept_room, g->output.kept);
    if (n < 0) {
        err_set(&g->err, -EIO, "%s: cannot be read", g->output.part);
        return true;
    }
    json_t *verdict = json_loadb(g->kept_line, (size_t)n, JSON_ALLOW_NUL, NULL);
    const char *id = json_string_value(json_object_get(verdict, "task_id"));
    if (!id || strcmp(id, r->problem->id) != 0 ||
        json_integer_value(json_object_get(verdict, "sample")) != sample) {
        if (!g->err.code)
            err_set(
                &g->err, -EINVAL,
                "%s: is of other samples: at byte %lld a verdict on %s, sample %d, was expected",
                g->output.part, (long long)g->kept_at, r->problem->id, sample);
    } else {
        report_add(&g->report, verdict);
    }
    json_decref(verdict);
    g->kept_at += n;
    return true;
}

static void start_next(struct grading *g)
{
    struct row *r = &g->rows[g->next % WINDOW];
    *r = g->batch[g->batch_at++];
    r->grading = g;
    int sample = count_sample(g, r->problem->id);
    if (kept(g, r, sample)) {
        json_decref(r->item);
        *r = (struct row){0};
        return;
    }
    g->next++;
    struct job_spec spec = {
        .problem = r->problem, .item = r->item, .sample = sample, .timing = g->options->timing};
    job_start(&g->grader, &spec, on_verdict, r);
}

/* Does whatever can be done now. A verdict that is there at once comes back in here: the flag
 * makes a loop of that. */
static void pump(struct grading *g)
{
    if (g->pumping)
        return;
    g->pumping = true;
    while (!g->stopped) {
        write_ready(g);
        /* In groups: a linter that deals with several texts one after the other finds its caches
         * as it left them. */
        const long most = BATCH + STARTED_PER_SLOT * g->options->slots;
        const long under_way = g->next - g->finished;
        g->refilling = under_way < (g->refilling ? most : most - REFILL);
        bool room = g->next - g->first < WINDOW && g->refilling;
        if (g->stopped || g->reading || !room || g->batch_at == g->batch_n)
            break;
        start_next(g);
    }
    g->pumping = false;
    if (g->stopped || g->reading || g->batch_at < g->batch_n)
        return;
    if (!g->ended) {
        g->reading = true;
        g->reader.data = g;
        CHECK(uv_queue_work(&g->loop, &g->reader, read_batch, on_batch) == 0);
    } else if (g->first == g->next) {
        if (g->reader_err.code) /* what came before it has been graded */
            g->err = g->reader_err;
        else if (g->kept_at < g->output.kept_bytes)
            err_set(&g->err, -EINVAL, "%s: holds more verdicts than there are samples",
                    g->output.part);
        stop(g);
    }
}

/* Checks all samples of a file that can be read again; *ret_total is their number, or -1. */
static int check_samples(struct grading *g, long *ret_total)
{
    struct stat st;
    const struct options *o = g->options;
    *ret_total = -1;
    if (strcmp(o->samples, "-") == 0 || (stat(o->samples, &st) == 0 && !S_ISREG(st.st_mode)))
        return 0;
    struct samples s;
    TRY(samples_open(&s, o->samples, &g->err));
    long n = 0, mine = 0;
    int rc;
    json_t *item;
    const struct problem *p;
    int64_t said = wall_ns();
    while ((rc = samples_next(&s, &g->set, &item, &p, &g->err)) > 0) {
        mine += n++ % o->shards == o->shard;
        json_decref(item);
        if (wall_ns() - said > CHECK_SAY_NS) {
            said = wall_ns();
            fprintf(stderr, "assay: %ld samples checked so far\n", n);
        }
    }
    samples_close(&s);
    *ret_total = mine;
    return rc;
}

static int prepare(struct grading *g)
{
    const struct options *o = g->options;
    long total;
    g->grader.reward = REWARD_DEFAULT;
    g->grader.cache_timed = o->cache_timed;
    if (o->reward)
        TRY(reward_load(o->reward, &g->grader.reward, &g->err));
    TRY(generate_load(&g->set, o->problems, o->n_problems, &g->err));
    TRY(check_samples(g, &total));
    TRY(samples_open(&g->samples, o->samples, &g->err));
    TRY(report_init(&g->report, o->k, total, &g->err));
    TRY(output_open(&g->output, o->out, o->resume, &g->err));
    if (g->output.dropped)
        fprintf(stderr, "assay: begins anew: what an earlier run has left in %s is dropped\n",
                g->output.part);
    return 0;
}

static void run_loop(struct grading *g)
{
    CHECK(uv_loop_init(&g->loop) == 0);
    grader_start(&g->grader, &g->loop, g->options->slots);
    uv_timer_init(&g->loop, &g->tick);
    uv_signal_init(&g->loop, &g->on_int);
    uv_signal_init(&g->loop, &g->on_term);
    g->tick.data = g->on_int.data = g->on_term.data = g;
    uv_timer_start(&g->tick, on_tick, TICK_MS, TICK_MS);
    uv_signal_start(&g->on_int, on_signal, SIGINT);
    uv_signal_start(&g->on_term, on_signal, SIGTERM);
    pump(g);
    outlet_open();
    uv_run(&g->loop, UV_RUN_DEFAULT);
    outlet_close();
    if (!g->signal && !g->err.code)
        report_summary(&g->report, stderr);
}

static int finish(struct grading *g)
{
    if (!g->signal && !g->err.code)
        output_commit(&g->output, &g->err);
    if (g->signal) {
        const bool some = output_leave(&g->output);
        fprintf(stderr, "assay: stopped by signal %d%s%s\n", g->signal,
                some ? ", --resume goes on from " : "", some ? g->output.part : "");
        return 128 + g->signal;
    }
    if (g->err.code) {
        const int status = command_error(&g->err);
        if (output_leave(&g->output) && g->reader_err.code)
            fprintf(stderr,
                    "assay: what was graded before it is in %s; --resume goes on from there\n",
                    g->output.part);
        return status;
    }
    return g->report.tally.infra ? EXIT_FAULT : 0;
}

static const struct argp_option option_table[] = {
    {"problems", 'p', "PROBLEMS", 0, "A problem file or folder; may be given again", 0},
    {"samples", 's', "SAMPLES", 0, "JSON lines to grade, may be gzipped; - is stdin", 0},
    {"output", 'o', "FILE", 0, "Write the verdicts here, whole or not at all (default: stdout)", 0},
    {"jobs", 'j', "N", 0,
     "Grade N programs at a time, those that sleep not counted (default: the cores there are)", 0},
    {"k", 'k', "K,...", 0, "Report pass@K (default 1)", 0},
    {"reward", 'r', "FILE", 0, "Rewards for the five grades, a YAML file", 0},
    {"no-timing", 't', NULL, 0, "Do not measure speed: nothing is graded faster", 0},
    {"cache-timing", 'C', NULL, 0,
     "Give a program that comes again the speed measured before (default: measure again)", 0},
    {"resume", 'R', NULL, 0, "Go on where a run that was killed has stopped (see below)", 0},
    {"shard", 'S', "I/N", 0, "Only every Nth sample, from number I (0 to N-1)", 0},
    {0},
};

static const char doc[] = "Grade programs that a model wrote, by the tests of their problems.\v"
                          "A sample is one JSON object a line: \"task_id\", and one of "
                          "\"response\" (a model's whole reply), \"completion\" "
                          "(what continues the prompt) and \"solution\" (a whole program). Other "
                          "keys come back in the verdict.\n\n"
                          "Examples:\n"
                          "  assay grade -p problems/starter -s samples.jsonl -o verdicts.jsonl\n"
                          "  assay grade -p HumanEval.jsonl.gz -s samples.jsonl.gz --k 1,10,100\n"
                          "  sampler | assay grade -p problems -s - | jq -r .grade\n\n"
                          "Verdicts gather in FILE.part, which becomes FILE when all are there. A "
                          "run that is stopped leaves FILE.part, and the same "
                          "command with --resume goes on from it; without it, or without a "
                          "FILE.part, all is graded.\n\n"
                          "Exit status: 0 every sample got its grade, 1 some met a fault of ours, "
                          "2 bad usage or bad input.";

/* "I/N" with 0 <= I < N. */
static bool parse_shard(const char *text, int *ret_shard, int *ret_shards)
{
    char *end;
    long shard = strtol(text, &end, 10), shards = *end == '/' ? strtol(end + 1, &end, 10) : 0;
    if (end == text || *end || shard < 0 || shard >= shards || shards > INT_MAX)
        return false;
    *ret_shard = (int)shard;
    *ret_shards = (int)shards;
    return true;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'p':
        command_spec(state, arg, o->problems, &o->n_problems);
        return 0;
    case 's':
        o->samples = arg;
        return 0;
    case 'o':
        o->out = arg;
        return 0;
    case 'j':
        o->slots = command_slots(state, arg);
        return 0;
    case 'k':
        o->k = arg;
        return 0;
    case 'r':
        o->reward = arg;
        return 0;
    case 't':
        o->timing = false;
        return 0;
    case 'C':
        o->cache_timed = true;
        return 0;
    case 'R':
        o->resume = true;
        return 0;
    case 'S':
        if (!parse_shard(arg, &o->shard, &o->shards))
            argp_error(state, "--shard %s: I/N with 0 <= I < N is wanted", arg);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument: %s", arg);
        return 0;
    case ARGP_KEY_END:
        if (!o->n_problems || !o->samples)
            argp_error(state, "both -p PROBLEMS and -s SAMPLES are needed");
        if (o->resume && (!o->out || strcmp(o->out, "-") == 0))
            argp_error(state, "--resume needs -o FILE");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int command_grade(int argc, char **argv)
{
    static const struct argp argp = {option_table, parse, NULL, doc, config_option, NULL, NULL};
    static struct grading g;
    struct options o = {.slots = pool_cores(), .shards = 1, .k = "1", .timing = true};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    g = (struct grading){.options = &o, .counts = json_object()};
    if (prepare(&g) < 0)
        return command_error(&g.err);
    run_loop(&g);
    int status = finish(&g);
    if (g.reading) {
        fflush(stdout);
        _exit(status);
    }
    grader_free(&g.grader);
    samples_close(&g.samples);
    report_free(&g.report);
    problems_free(&g.set);
    json_decref(g.counts);
    free(g.kept_line);
    return status;
}
