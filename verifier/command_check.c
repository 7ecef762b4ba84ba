/* command_check.c: `assay check`: tests of a problem set. Each reference must pass, and pass
 * again; each `wrong:` solution must fail. Problems are begun in order, a bounded number at a
 * time, and reported in order. */
#include <stdlib.h>

#include "base/check.h"
#include "command.h"
#include "generate.h"
#include "grade.h"
#include "job.h"
#include "report.h"

enum { REPEATS = 3, BEGUN_MAX = 64, ROWS_QUIET = 200 };

struct options {
    char **problems;
    int n_problems, slots;
    bool verbose, json;
};

struct row {
    struct checking *checking;
    const struct problem *problem;
    int left; /* jobs without a verdict */
    int passed, failed, infra;
    int wrong, wrong_caught, wrong_first; /* the first wrong solution that passed, -1 */
    char why[512]; /* of the first failure of the reference, or of a fault of ours */
};

struct checking {
    const struct options *options;
    uv_loop_t loop;
    struct grader grader;
    struct problem_set set;
    struct row rows[BEGUN_MAX];
    int begun, reported;
    long bad, faults, without_reference;
    bool pumping;
};

struct run {
    struct row *row;
    int wrong; /* its number, -1 for the reference */
};

static void pump(struct checking *c);

/* What a verdict says went wrong, on one line. */
static void explain(const json_t *verdict, char *ret, size_t size)
{
    const json_t *tests = json_object_get(verdict, "tests"),
                 *f = json_array_get(json_object_get(tests, "failures"), 0);
    const char *reason = json_string_value(json_object_get(verdict, "reason"));
    const char *infra = json_string_value(json_object_get(verdict, "infra"));
    const char *keys[] = {"call", "got", "expected", "message"};
    struct buf text = {0};
    buf_puts(&text, infra ? infra : reason ? reason : "?");
    if (f)
        buf_printf(&text, ", test %lld", (long long)json_integer_value(json_object_get(f, "test")));
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const char *value = json_string_value(json_object_get(f, keys[i]));
        if (value)
            buf_printf(&text, "%s%s %.120s", i ? ", " : ": ", keys[i], value);
    }
    for (char *at = text.s; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    snprintf(ret, size, "%s", text.s);
    buf_free(&text);
}

static void report_json(const struct row *r, bool good)
{
    json_t *line =
        json_pack("{s:s, s:s, s:b, s:i, s:i, s:i, s:i, s:i, s:s?}", "id", r->problem->id, "source",
                  r->problem->source, "ok", good, "reference_passed", r->passed, "reference_runs",
                  r->passed + r->failed, "wrong", r->wrong, "wrong_caught", r->wrong_caught,
                  "infra", r->infra, "why", r->why[0] ? r->why : NULL);
    json_dumpf(line, stdout, REPORT_JSON);
    putchar('\n');
    json_decref(line);
}

static void report_row(struct checking *c, const struct row *r)
{
    bool has_reference = r->passed + r->failed > 0 || r->infra;
    bool good = r->failed == 0 && has_reference && r->wrong_caught == r->wrong && !r->infra;
    c->bad += !good && !r->infra;
    c->faults += r->infra > 0;
    c->without_reference += !has_reference;
    if (c->options->json) {
        report_json(r, good);
        return;
    }
    if (good && !c->options->verbose && c->set.n > ROWS_QUIET)
        return;
    printf("%-6s %-32s reference %d/%d  wrong %d/%d",
           good       ? "ok"
           : r->infra ? "INFRA"
                      : "FAIL",
           r->problem->id, r->passed, r->passed + r->failed, r->wrong_caught, r->wrong);
    if (!good)
        printf("  (%s)", r->problem->source);
    putchar('\n');
    if (!has_reference)
        puts("       no `reference:`, so its tests are not checked");
    if (r->passed && r->failed)
        puts("       flaky: the same reference passes and fails");
    if (r->why[0])
        printf("       %s: %s\n", r->infra ? "a fault of ours" : "the reference fails", r->why);
    if (r->wrong_first >= 0)
        printf("       the tests let `wrong` solution number %d pass\n", r->wrong_first + 1);
}

static void on_verdict(void *ctx, json_t *verdict)
{
    struct run *run = ctx;
    struct row *r = run->row;
    int grade = grade_of(verdict);
    bool pass = grade == GRADE_CORRECT || grade == GRADE_FASTER;
    if (grade < 0)
        r->infra++;
    else if (run->wrong >= 0) {
        r->wrong_caught += !pass;
        if (pass && r->wrong_first < 0)
            r->wrong_first = run->wrong;
    } else {
        r->passed += pass;
        r->failed += !pass;
    }
    if ((grade < 0 || (!pass && run->wrong < 0)) && !r->why[0])
        explain(verdict, r->why, sizeof r->why);
    r->left--;
    free(run);
    pump(r->checking);
}

static void begin_job(struct row *r, const char *source, int wrong)
{
    struct run *run = xcalloc(1, sizeof *run);
    *run = (struct run){r, wrong};
    json_t *item = json_pack("{s:s, s:s}", "task_id", r->problem->id, "solution", source);
    CHECK(item);
    struct job_spec spec = {.problem = r->problem, .item = item, .fresh = true};
    job_start(&r->checking->grader, &spec, on_verdict, run);
    json_decref(item);
}

static void begin(struct checking *c, const struct problem *p)
{
    struct row *r = &c->rows[c->begun++ % BEGUN_MAX];
    const char *reference = json_string_value(json_object_get(p->suite, "reference"));
    *r = (struct row){
        .checking = c, .problem = p, .wrong = (int)json_array_size(p->wrong), .wrong_first = -1};
    r->left = r->wrong + (reference ? REPEATS : 0);
    for (int repeat = 0; reference && repeat < REPEATS; repeat++)
        begin_job(r, reference, -1);
    for (int i = 0; i < r->wrong; i++)
        begin_job(r, json_string_value(json_array_get(p->wrong, (size_t)i)), i);
}

static void pump(struct checking *c)
{
    if (c->pumping)
        return;
    c->pumping = true;
    while (c->reported < c->set.n) {
        if (c->reported < c->begun && c->rows[c->reported % BEGUN_MAX].left == 0)
            report_row(c, &c->rows[c->reported++ % BEGUN_MAX]);
        else if (c->begun < c->set.n && c->begun - c->reported < BEGUN_MAX)
            begin(c, &c->set.v[c->begun]);
        else
            break;
    }
    c->pumping = false;
    if (c->reported == c->set.n)
        grader_stop(&c->grader);
}

static const struct argp_option option_table[] = {
    {"jobs", 'j', "N", 0, "Run N programs at a time (default: the cores there are)", 0},
    {"verbose", 'v', NULL, 0, "List good problems too, however many there are", 0},
    {"json", 'J', NULL, 0, "Print one JSON object a problem", 0},
    {0},
};

static const char doc[] = "Check problem files: every reference passes its tests, three times in a "
                          "row, and every `wrong:` solution fails.\v"
                          "  assay check problems/starter\n"
                          "  assay check my_problems.yaml --json | jq 'select(.ok | not)'\n"
                          "  assay check 'problems/listops.yaml?count=500&seed=1'\n\n"
                          "Exit status: 0 all is well, 1 some problem is not (or has no "
                          "reference), 2 bad usage or an unreadable problem file.";

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

int command_check(int argc, char **argv)
{
    static const struct argp argp = {option_table, parse, "PROBLEMS...", doc, NULL, NULL, NULL};
    static struct checking c;
    struct options o = {.slots = pool_cores()};
    struct err err = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    c = (struct checking){.options = &o, .grader.reward = REWARD_DEFAULT};
    if (generate_load(&c.set, o.problems, o.n_problems, &err) < 0)
        return command_error(&err);
    if (c.set.n == 0) {
        err_set(&err, -ENOENT, "%s: no problems there", o.problems[0]);
        return command_error(&err);
    }
    CHECK(uv_loop_init(&c.loop) == 0);
    grader_start(&c.grader, &c.loop, o.slots);
    pump(&c);
    uv_run(&c.loop, UV_RUN_DEFAULT);
    grader_free(&c.grader);
    fprintf(stderr, "%d problems: %ld well, %ld not", c.set.n, c.set.n - c.bad - c.faults, c.bad);
    if (c.without_reference)
        fprintf(stderr, " (%ld without a reference)", c.without_reference);
    fprintf(stderr, c.faults ? ", %ld met a fault of ours\n" : "\n", c.faults);
    problems_free(&c.set);
    return c.bad || c.faults ? EXIT_FAULT : 0;
}
