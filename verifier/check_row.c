/* check_row.c: one problem of a set under test.
 *
 * First come the programs that should pass: the reference, several times at once with whatever else
 * is being run, so that a test that depends on timing gets its chance to differ; the further
 * references; and with them the `wrong:` solutions. Meanwhile a judge reads the reference and makes
 * mutants and trivial programs of it. If the reference passed every time, they are graded like any
 * candidate, under limits that are tight for the reference's own time: a mutant that loops for ever
 * costs little. What passes and should not is a finding. */
#include "check.h"

#include <stdlib.h>

#include "base/str.h"
#include "grade.h"

enum { INSPECT_MS_MAX = 90000, WALL_S_MIN = 2 };

/* Of a mutant: this many times what the reference takes, and never less than the least. */
static const double times_reference = 10, cpu_s_min = 0.2, slow_share = 0.5;

enum role { REFERENCE, OTHER, WRONG, MUTANT, TRIVIAL };

struct run {
    struct check_row *row;
    enum role role;
    int number;
};

const char *const check_kinds[CHECK_KINDS] = {
    "reference-fails", "references-disagree", "flaky",           "no-reference",
    "slow-reference",  "wrong-passes",        "weak-tests",      "leak",
    "examples",        "duplicate",           "mutants-survive", "not-read",
};

static void finish(struct check_row *r);

static bool is_allowed(const struct check_options *o, const char *kind)
{
    for (int i = 0; i < CHECK_KINDS; i++)
        if (strcmp(check_kinds[i], kind) == 0)
            return o->allowed[i];
    return false;
}

json_t *check_find(struct check_row *r, enum check_level level, const char *kind, const char *fmt,
                   ...)
{
    static const char *const names[] = {"note", "warning", "error"};
    char *text;
    va_list ap;
    va_start(ap, fmt);
    CHECK(vasprintf(&text, fmt, ap) >= 0);
    va_end(ap);
    if (level == CHECK_WARNING && r->options->strict)
        level = CHECK_ERROR;
    if (is_allowed(r->options, kind))
        level = CHECK_NOTE;
    json_t *message = json_string(text);
    json_t *f = json_pack("{s:s, s:s, s:o}", "level", names[level], "kind", kind, "message",
                          message ? message : json_string("(not UTF-8)"));
    CHECK(f);
    free(text);
    json_array_append_new(r->findings, f);
    r->worst = level > r->worst ? level : r->worst;
    return f;
}

static bool is_pass(const json_t *verdict)
{
    int grade = grade_of(verdict);
    return grade == GRADE_CORRECT || grade == GRADE_FASTER;
}

/* What a verdict says went wrong, on one line. */
static void explain(const json_t *verdict, struct buf *out)
{
    static const char *const keys[] = {"call", "got", "expected", "message"};
    const json_t *tests = json_object_get(verdict, "tests"),
                 *f = json_array_get(json_object_get(tests, "failures"), 0);
    const char *reason = json_string_value(json_object_get(verdict, "reason"));
    buf_puts(out, is_pass(verdict) ? "passed" : reason ? reason : "?");
    if (f)
        buf_printf(out, ", test %lld", (long long)json_integer_value(json_object_get(f, "test")));
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const char *value = json_string_value(json_object_get(f, keys[i]));
        if (value)
            buf_printf(out, "%s%s %.120s", i ? ", " : ": ", keys[i], value);
    }
}

/* Whether two verdicts on the same program say the same, time and memory aside. */
static bool same_outcome(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"grade", "reason", "tests"};
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (!json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i])))
            return false;
    return true;
}

static void note_time(struct check_row *r, const json_t *verdict)
{
    const json_t *time = json_object_get(verdict, "time"), *suite = r->problem->suite;
    bool functions = json_array_size(json_object_get(suite, "cases")) ||
                     json_string_length(json_object_get(suite, "tests"));
    double guests = (double)json_array_size(json_object_get(suite, "stdio")) + functions;
    double cpu_ms = json_number_value(json_object_get(time, "cpu_ms")) / (guests > 0 ? guests : 1);
    double wall_ms =
        json_number_value(json_object_get(time, "wall_ms")) / (guests > 0 ? guests : 1);
    r->cpu_ms = cpu_ms > r->cpu_ms ? cpu_ms : r->cpu_ms;
    r->wall_ms = wall_ms > r->wall_ms ? wall_ms : r->wall_ms;
}

static void on_reference(struct check_row *r, const json_t *verdict)
{
    struct buf was = {0}, now = {0};
    r->runs++;
    r->passed += is_pass(verdict);
    note_time(r, verdict);
    explain(verdict, &now);
    if (!r->first) {
        r->first = json_incref((json_t *)verdict);
        if (!is_pass(verdict))
            check_find(r, CHECK_ERROR, "reference-fails", "the reference fails: %s", now.s);
    } else if (!same_outcome(r->first, verdict)) {
        explain(r->first, &was);
        check_find(r, CHECK_ERROR, "flaky", "flaky: the same reference %s, and then %s", was.s,
                   now.s);
    }
    buf_free(&was);
    buf_free(&now);
}

static void on_survivor(struct check_row *r, const struct run *run)
{
    const json_t *m = json_array_get(json_object_get(r->found, "mutants"), (size_t)run->number);
    json_t *f = check_find(r, CHECK_NOTE, "mutant-survives",
                           "line %lld of the reference may as well be another",
                           (long long)json_integer_value(json_object_get(m, "line")));
    json_object_update_missing(f, (json_t *)m);
    json_object_del(f, "source");
}

static void settle(struct run *run, const json_t *verdict)
{
    struct check_row *r = run->row;
    bool pass = is_pass(verdict);
    struct buf text = {0};
    switch (run->role) {
    case REFERENCE:
        on_reference(r, verdict);
        break;
    case OTHER:
        explain(verdict, &text);
        r->others_passed += pass;
        if (!pass)
            check_find(r, CHECK_ERROR, "references-disagree",
                       "`references` solution number %d fails: %s", run->number + 1, text.s);
        break;
    case WRONG:
        r->wrong_caught += !pass;
        if (pass)
            check_find(r, CHECK_ERROR, "wrong-passes",
                       "the tests let `wrong` solution number %d pass", run->number + 1);
        break;
    case MUTANT:
        r->killed += !pass;
        if (pass)
            on_survivor(r, run);
        break;
    case TRIVIAL:
        if (pass)
            check_find(
                r, CHECK_ERROR, "weak-tests", "weak tests: a program that %s passes",
                json_string_value(json_object_get(
                    json_array_get(json_object_get(r->found, "trivial"), (size_t)run->number),
                    "what")));
    }
    buf_free(&text);
}

static void on_verdict(void *ctx, json_t *verdict)
{
    struct run *run = ctx;
    struct check_row *r = run->row;
    r->programs++;
    if (grade_of(verdict) < 0)
        snprintf(r->infra, sizeof r->infra, "%s",
                 json_string_value(json_object_get(verdict, "infra")));
    else
        settle(run, verdict);
    free(run);
    r->left--;
    finish(r);
}

static void begin_job(struct check_row *r, const json_t *source, enum role role, int number)
{
    struct run *run = xcalloc(1, sizeof *run);
    *run = (struct run){r, role, number};
    json_t *item = json_pack("{s:s, s:O}", "task_id", r->problem->id, "solution", (json_t *)source);
    CHECK(item);
    struct job_spec spec = {
        .problem = role < MUTANT ? r->problem : &r->short_lived, .item = item, .fresh = true};
    job_start(r->grader, &spec, on_verdict, run);
    json_decref(item);
}

static void on_inspected(struct task *t, json_t *result, const char *infra)
{
    struct check_row *r = NODE_OWNER(t, struct check_row, inspect);
    const char *error = json_string_value(json_object_get(result, "error"));
    if (infra)
        snprintf(r->infra, sizeof r->infra, "%s", infra);
    else if (error)
        check_find(r, CHECK_WARNING, "not-read", "no mutants, its sources cannot be read: %s",
                   error);
    else
        r->found = json_incref(json_object_get(result, "found"));
    json_decref(result);
    r->left--;
    finish(r);
}

static void begin_inspection(struct check_row *r)
{
    const struct problem *p = r->problem;
    json_t *suite = p->suite;
    json_t *shown = json_sprintf("%s\n%s", p->prompt, p->starter);
    json_t *question =
        json_pack("{s:s, s:O?, s:s?, s:o, s:O, s:O, s:O, s:i}", "op", "inspect", "program",
                  json_object_get(suite, "reference"), "entry_point", p->entry_point, "prompt",
                  shown ? shown : json_string(""), "cases", json_object_get(suite, "cases"),
                  "tests", json_object_get(suite, "tests"), "stdio",
                  json_object_get(suite, "stdio"), "limit", r->options->mutants);
    CHECK(question);
    r->inspect =
        (struct task){.question = question, .limit_ms = INSPECT_MS_MAX, .done = on_inspected};
    pool_submit(r->grader->judges, &r->inspect);
}

static double clamp(double x, double low, double high)
{
    x = x > low ? x : low;
    return x < high ? x : high;
}

/* The same tests under another key and tighter limits, given up at the first failure. */
static void make_short_lived(struct check_row *r)
{
    struct problem *p = &r->short_lived;
    *p = *r->problem;
    p->suite = json_copy(r->problem->suite);
    p->limits.cpu_s = clamp(times_reference * r->cpu_ms / 1e3, cpu_s_min, p->limits.cpu_s);
    p->limits.wall_s = clamp(times_reference * r->wall_ms / 1e3, WALL_S_MIN, p->limits.wall_s);
    json_t *limits = json_deep_copy(json_object_get(p->suite, "limits"));
    json_object_set_new(limits, "cpu_s", json_real(p->limits.cpu_s));
    json_object_set_new(limits, "wall_s", json_real(p->limits.wall_s));
    json_object_set_new(p->suite, "limits", limits);
    json_object_set_new(p->suite, "timing", json_null());
    json_object_set_new(p->suite, "stop_on_first_failure", json_true());
    p->key[0] = 's'; /* no other key begins like this: they are hexadecimal */
}

static void begin_second(struct check_row *r)
{
    const json_t *trivial = json_object_get(r->found, "trivial"),
                 *mutants = json_object_get(r->found, "mutants");
    json_t *program;
    size_t i;
    make_short_lived(r);
    r->mutants = (int)json_array_size(mutants);
    r->left += r->mutants + (int)json_array_size(trivial);
    json_array_foreach ((json_t *)trivial, i, program)
        begin_job(r, json_object_get(program, "source"), TRIVIAL, (int)i);
    json_array_foreach ((json_t *)mutants, i, program)
        begin_job(r, json_object_get(program, "source"), MUTANT, (int)i);
}

static void judge_mutants(struct check_row *r)
{
    double score = r->mutants ? (double)r->killed / r->mutants : 1;
    if (r->mutants == r->killed)
        return;
    bool below = score < r->options->score_min;
    check_find(r, below ? CHECK_ERROR : CHECK_WARNING, "mutants-survive",
               "%d of %d mutants of the reference pass its tests%s", r->mutants - r->killed,
               r->mutants, below ? ", more than --min-score allows" : "");
}

static void judge_prompt(struct check_row *r)
{
    int tests = (int)json_integer_value(json_object_get(r->found, "tests"));
    int shown = (int)json_integer_value(json_object_get(r->found, "shown"));
    int answers = (int)json_integer_value(json_object_get(r->found, "answers_shown"));
    if (json_is_true(json_object_get(r->found, "reference_shown")))
        check_find(r, CHECK_ERROR, "leak", "the prompt contains the reference");
    if (shown > 0 && shown == tests)
        check_find(r, CHECK_ERROR, "leak", "the prompt shows every test (%d) with its answer",
                   shown);
    else if (shown > 0)
        check_find(r, 2 * shown >= tests ? CHECK_WARNING : CHECK_NOTE, "examples",
                   "the prompt shows %d of %d tests with their answers", shown, tests);
    if (answers > 0)
        check_find(r, CHECK_WARNING, "leak", "the prompt contains the answers of %d other tests",
                   answers);
}

static void judge_time(struct check_row *r)
{
    double limit_ms = r->problem->limits.cpu_s * 1e3;
    if (r->passed && r->cpu_ms > slow_share * limit_ms)
        check_find(r, CHECK_WARNING, "slow-reference",
                   "the reference takes %.0f ms of the %.0f ms that `limits.cpu_s` allows",
                   r->cpu_ms, limit_ms);
}

/* Called after each answer: goes on to the second part, or ends. */
static void finish(struct check_row *r)
{
    if (r->left > 0)
        return;
    if (!r->second) {
        r->second = true;
        if (r->found && r->runs > 0 && r->passed == r->runs && !r->infra[0]) {
            r->left = 1; /* ours, so that answers that come at once do not end it early */
            begin_second(r);
            r->left--;
            finish(r);
            return;
        }
    }
    judge_mutants(r);
    judge_prompt(r);
    judge_time(r);
    r->done(r);
}

void check_row_begin(struct check_row *r, struct grader *g, const struct problem *p,
                     const struct check_options *o, void (*done)(struct check_row *))
{
    const json_t *reference = json_object_get(p->suite, "reference");
    json_t *source;
    size_t i;
    *r = (struct check_row){.options = o,
                            .grader = g,
                            .problem = p,
                            .done = done,
                            .findings = json_array(),
                            .wrong = (int)json_array_size(p->wrong),
                            .others = (int)json_array_size(p->references)};
    bool has = json_is_string(reference);
    if (!has)
        check_find(r, CHECK_ERROR, "no-reference",
                   "no `reference:`, so nothing shows that its tests can be passed");
    r->left = 2 + r->wrong + r->others + (has ? o->repeat : 0);
    begin_inspection(r);
    for (int repeat = 0; has && repeat < o->repeat; repeat++)
        begin_job(r, reference, REFERENCE, repeat);
    json_array_foreach (p->references, i, source)
        begin_job(r, source, OTHER, (int)i);
    json_array_foreach (p->wrong, i, source)
        begin_job(r, source, WRONG, (int)i);
    r->left--;
    finish(r);
}

void check_row_free(struct check_row *r)
{
    json_decref(r->inspect.question);
    json_decref(r->found);
    json_decref(r->first);
    json_decref(r->findings);
    json_decref(r->short_lived.suite);
    *r = (struct check_row){0};
}
