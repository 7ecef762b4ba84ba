/* command_check.c: `assay check`: tests of a problem set. Problems are begun in order, a bounded
 * number at a time, and reported in order; everything that is run for them goes through one pool. */
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "check.h"
#include "command.h"
#include "config.h"
#include "generate.h"
#include "outlet.h"

enum {
    REPEATS = 3,
    REPEATS_MAX = 1000,
    MUTANTS = 20,
    MUTANTS_MAX = 1000,
    BEGUN_MAX = 32,
    ROWS_QUIET = 200,
    ID_WIDTH_MAX = 48 /* a longer id shifts its line */
};
static const int64_t progress_terminal_ns = NS_PER_S / 5, progress_lines_ns = 10ll * NS_PER_S;

struct options {
    char **problems;
    int n_problems, slots;
    bool verbose, json;
    struct check_options check;
};

struct checking {
    const struct options *options;
    uv_loop_t loop;
    struct grader grader;
    struct problem_set set;
    struct check_set seen;
    struct check_row rows[BEGUN_MAX];
    bool ended[BEGUN_MAX]; /* the row waits to be reported */
    int begun, reported, id_width;
    long clean, warned, bad, faults, programs, mutants, killed;
    bool pumping, terminal;
    int64_t started_ns, said_ns;
};

static struct checking checking;

static void say_progress(struct checking *c, bool end)
{
    int64_t now = wall_ns(), due = c->terminal ? progress_terminal_ns : progress_lines_ns;
    if (c->terminal && (end || now - c->said_ns >= due))
        outlet_say("\r\033[K");
    if (end || now - c->said_ns < due)
        return;
    double s = (double)(now - c->started_ns) / 1e9, rate = c->reported / s;
    outlet_say("%d of %d problems, %ld programs", c->reported, c->set.n, c->programs);
    if (c->reported)
        outlet_say(", %.0f s left", (c->set.n - c->reported) / rate);
    outlet_say("%s", c->terminal ? "" : "\n");
    c->said_ns = now;
}

static void report_row(struct checking *c, struct check_row *r)
{
    const struct options *o = c->options;
    check_set_add(&c->seen, r);
    bool fault = r->infra[0];
    c->faults += fault;
    c->bad += !fault && r->worst == CHECK_ERROR;
    c->warned += !fault && r->worst == CHECK_WARNING;
    c->clean += !fault && r->worst == CHECK_NOTE;
    c->programs += r->programs;
    c->mutants += r->mutants;
    c->killed += r->killed;
    if (c->terminal)
        outlet_say("\r\033[K");
    if (o->json)
        check_print_json(r);
    else if (fault || r->worst > CHECK_NOTE || o->verbose || c->set.n <= ROWS_QUIET)
        check_print(r, c->id_width, o->verbose);
    fflush(stdout);
    check_row_free(r);
}

static void pump(struct checking *c);

static void on_row(struct check_row *r)
{
    checking.ended[r - checking.rows] = true;
    pump(&checking);
}

static void pump(struct checking *c)
{
    if (c->pumping)
        return;
    c->pumping = true;
    while (c->reported < c->set.n) {
        int at = c->reported % BEGUN_MAX, next = c->begun % BEGUN_MAX;
        if (c->reported < c->begun && c->ended[at]) {
            report_row(c, &c->rows[at]);
            c->reported++;
        } else if (c->begun < c->set.n && c->begun - c->reported < BEGUN_MAX) {
            c->ended[next] = false;
            check_row_begin(&c->rows[next], &c->grader, &c->set.v[c->begun++], &c->options->check,
                            on_row);
        } else {
            break;
        }
        say_progress(c, false);
    }
    c->pumping = false;
    if (c->reported == c->set.n)
        grader_stop(&c->grader);
}

enum { KEY_REPEAT = 1000, KEY_MUTANTS, KEY_SCORE, KEY_ALLOW, KEY_STRICT };

static const struct argp_option option_table[] = {
    {"jobs", 'j', "N", 0,
     "Run N programs at a time, those that sleep not counted (default: the cores there are)", 0},
    {"repeat", KEY_REPEAT, "N", 0, "Run each reference N times (default 3)", 0},
    {"mutants", KEY_MUTANTS, "N", 0, "At most N mutants a problem (default 20; 0: none)", 0},
    {"min-score", KEY_SCORE, "S", 0,
     "Fail a problem whose tests kill less than this share of its mutants (0 to 1)", 0},
    {"allow", KEY_ALLOW, "KIND,...", 0,
     "These findings are notes: leak, examples, duplicate, weak-tests, ... (as --json names them)",
     0},
    {"strict", KEY_STRICT, NULL, 0, "Warnings are errors", 0},
    {"verbose", 'v', NULL, 0, "List good problems too, however many there are, and notes", 0},
    {"json", 'J', NULL, 0, "Print one JSON object a problem", 0},
    {0},
};

static const char doc[] =
    "Test problem files: every reference passes its tests, again and again; `references:` pass "
    "too, every `wrong:` solution fails; so do programs that do next to nothing, and most mutants "
    "of the reference; no prompt gives its tests away; nothing is there twice.\v"
    "Examples:\n"
    "  assay check problems/starter\n"
    "  assay check mine.yaml --mutants 100 -v     # every line the tests leave open\n"
    "  assay check mine.yaml --min-score 0.9      # nine mutants in ten must die\n"
    "  assay check mine.yaml --repeat 50          # look for a flaky test\n"
    "  assay check mbpp.jsonl --allow leak        # its prompts show their tests\n"
    "  assay check mine.yaml --json | jq 'select(.ok | not)'\n"
    "  assay check 'problems/listops.yaml?count=500' --mutants 0\n\n"
    "A mutant that passes may mean the same as the reference: have a look, it is a warning "
    "only.\n\n"
    "Exit status: 0 no errors, 1 some problem has one (or cannot be judged), 2 bad usage or an "
    "unreadable problem file.";

static int number(struct argp_state *state, const char *name, const char *arg, int low, int high)
{
    char *end;
    long n = strtol(arg, &end, 10);
    if (*end || end == arg || n < low || n > high)
        argp_error(state, "%s %s: a number from %d to %d is wanted", name, arg, low, high);
    return (int)n;
}

static double share(struct argp_state *state, const char *arg)
{
    char *end;
    double x = strtod(arg, &end);
    if (*end || end == arg || !(x >= 0 && x <= 1))
        argp_error(state, "--min-score %s: a number from 0 to 1 is wanted", arg);
    return x;
}

static void allow(struct argp_state *state, struct check_options *o, char *list)
{
    char kinds[512] = "";
    for (int i = 0; i < CHECK_KINDS; i++) {
        const size_t used = strlen(kinds);
        snprintf(kinds + used, sizeof kinds - used, "%s%s", i ? ", " : "", check_kinds[i]);
    }
    for (char *rest = list, *kind; (kind = strsep(&rest, ","));) {
        int i = 0;
        while (i < CHECK_KINDS && strcmp(check_kinds[i], kind) != 0)
            i++;
        if (i < CHECK_KINDS)
            o->allowed[i] = true;
        else
            argp_error(state, "--allow %s: no such kind; there are %s", kind, kinds);
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'j':
        o->slots = command_slots(state, arg);
        return 0;
    case 'v':
        o->verbose = true;
        return 0;
    case 'J':
        o->json = true;
        return 0;
    case KEY_REPEAT:
        o->check.repeat = number(state, "--repeat", arg, 1, REPEATS_MAX);
        return 0;
    case KEY_MUTANTS:
        o->check.mutants = number(state, "--mutants", arg, 0, MUTANTS_MAX);
        return 0;
    case KEY_SCORE:
        o->check.score_min = share(state, arg);
        return 0;
    case KEY_ALLOW:
        allow(state, &o->check, arg);
        return 0;
    case KEY_STRICT:
        o->check.strict = true;
        return 0;
    case ARGP_KEY_ARGS:
        o->problems = state->argv + state->next;
        o->n_problems = state->argc - state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which PROBLEMS?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void summary(struct checking *c)
{
    double seconds = (double)(wall_ns() - c->started_ns) / 1e9;
    say_progress(c, true);
    fprintf(stderr, "%d problem%s: %ld clean, %ld with warnings, %ld with errors", c->set.n,
            c->set.n == 1 ? "" : "s", c->clean, c->warned, c->bad);
    if (c->faults)
        fprintf(stderr, ", %ld not judged", c->faults);
    if (c->mutants)
        fprintf(stderr, "; %ld of %ld mutants killed (%.1f %%)", c->killed, c->mutants,
                100. * (double)c->killed / (double)c->mutants);
    fprintf(stderr, "; %ld programs in %.1f s\n", c->programs, seconds);
}

int command_check(int argc, char **argv)
{
    static const struct argp argp = {option_table,  parse, "PROBLEMS...", doc,
                                     config_option, NULL,  NULL};
    struct checking *c = &checking;
    struct options o = {.slots = pool_cores(), .check = {.repeat = REPEATS, .mutants = MUTANTS}};
    struct err err = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    *c = (struct checking){.options = &o,
                           .grader.reward = REWARD_DEFAULT,
                           .terminal = isatty(STDERR_FILENO),
                           .started_ns = wall_ns()};
    if (generate_load(&c->set, o.problems, o.n_problems, &err) < 0)
        return command_error(&err);
    if (c->set.n == 0) {
        err_set(&err, -ENOENT, "%s: no problems there", o.problems[0]);
        return command_error(&err);
    }
    for (int i = 0; i < c->set.n; i++) {
        const int length = (int)strlen(c->set.v[i].id);
        if (length > c->id_width && length <= ID_WIDTH_MAX)
            c->id_width = length;
    }
    CHECK(uv_loop_init(&c->loop) == 0);
    c->said_ns = c->started_ns;
    check_set_open(&c->seen);
    grader_start(&c->grader, &c->loop, o.slots);
    outlet_open();
    pump(c);
    uv_run(&c->loop, UV_RUN_DEFAULT);
    outlet_close();
    grader_free(&c->grader);
    summary(c);
    check_set_close(&c->seen);
    problems_free(&c->set);
    return c->bad || c->faults ? EXIT_FAULT : 0;
}
