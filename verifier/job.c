/* job.c: one completion on its way to a verdict, as a table of named steps.
 *
 *   extract   the program from a reply, a completion or a solution
 *   recall    the same question asked before, or being worked on now, is not worked on again
 *   lint      assay-lint names the language; what is no Python program is graded on that alone
 *   judge     assay-judge runs the tests
 *   share     those who asked the same meanwhile, or will, get the answer too
 *   grade     pure: the verdict from all of that
 *   reply     the owner gets it
 *
 * A step returns the next one, or WAIT and is continued by job_resume from a callback. Identical
 * questions of one process are answered once: the first job leads, later ones wait with the cache
 * entry. A timed answer is shared so, but not remembered (grader.cache_timed). A leader that meets a
 * fault of ours or is cancelled hands the lead to the first that waits, so a fault is never shared
 * and never remembered. A large text is extracted aside (aside.h), and a large program neither shared
 * nor remembered: the cache would hold little else. */
#include "job.h"

#include <stdlib.h>

#include "base/arena.h"
#include "extract.h"
#include "grade.h"
#include "helper.h"
#include "lint.h"
#include "samples.h"
#include "version.h"

enum {
    JOB_MAGIC = 0x4a4f4221,
    LINT_MS_MAX = 10000,
    JUDGE_MARGIN_MS = 10000,
    TIMED_GUESTS_MAX = 50,
    REFERENCE_MS_MAX = 400000,
    SLOTS_PER_LINTER = 8,
    SPARES_PER_SLOT = 2,
    CACHE_ENTRIES_MAX = 16384,
    CACHE_BYTES_MAX = 12 << 20, /* the verifier itself is to stay small */
};

enum step { EXTRACT, RECALL, LINT, JUDGE, SHARE, GRADE, REPLY, END, WAIT };

struct job {
    unsigned magic;
    struct grader *grader;
    struct job_spec spec;
    job_done *done;
    void *ctx;
    struct arena arena;
    struct extraction x;
    bool starter; /* the judge puts the starter before the program */
    bool cached, cancelled, starting, ended;
    json_t *lint, *judged, *verdict;
    struct buf lint_text, judged_text; /* as the helpers said it */
    const char *infra;
    struct cache_entry *entry; /* this job leads it */
    bool waiting;              /* `node` waits for another job's entry */
    struct node node;
    struct aside aside;
    struct task task;
    struct pool *in; /* where `task` is */
};

static void job_resume(struct job *j, enum step at);

static bool wants_timing(const struct job *j)
{
    return j->spec.timing && json_is_object(json_object_get(j->spec.problem->suite, "timing"));
}

static struct str text_of(const json_t *item, const char *key)
{
    const json_t *v = json_object_get(item, key);
    return str_make(json_string_value(v), json_string_length(v));
}

static void extract(struct job *j)
{
    const struct problem *p = j->spec.problem;
    struct str text;
    j->starter = true;
    if ((text = text_of(j->spec.item, "response")).s) {
        extract_program(text, p->entry_point, &j->arena, &j->x);
    } else if ((text = text_of(j->spec.item, "completion")).s) {
        struct str before = str_of(p->prefix ? p->prefix : p->starter);
        char *whole = arena_alloc(&j->arena, before.len + text.len + 1);
        if (before.len)
            memcpy(whole, before.s, before.len);
        memcpy(whole + before.len, text.s, text.len);
        j->x = (struct extraction){.code = {whole, before.len + text.len}, .rule = "completion"};
        j->starter = false;
    } else {
        j->x = (struct extraction){.code = text_of(j->spec.item, "solution"), .rule = "solution"};
    }
}

static bool is_large(const struct job *j)
{
    return j->x.code.len >= ASIDE_BYTES_MIN;
}

static void extract_aside(struct aside *a)
{
    extract(NODE_OWNER(a, struct job, aside));
}

static void on_extracted(struct aside *a)
{
    struct job *j = NODE_OWNER(a, struct job, aside);
    if (j->cancelled || !j->grader->stopped)
        job_resume(j, j->cancelled ? SHARE : RECALL);
}

static enum step step_extract(struct job *j)
{
    if (samples_text(j->spec.item).len < ASIDE_BYTES_MIN) {
        extract(j);
        return RECALL;
    }
    j->aside = (struct aside){.work = extract_aside, .done = on_extracted};
    asides_submit(&j->grader->asides, &j->aside);
    return WAIT;
}

/* A verdict depends on the problem's content (its limits among it), on the program, on what is asked, on
 * this program's version, on the packages and the Python that helpers are given, and on what of the
 * jail is left out. */
static void question_key(struct job *j, struct buf *key)
{
    const struct problem *p = j->spec.problem;
    const char *without = getenv("ASSAY_SANDBOX_WITHOUT");
    const json_t *hello = pool_hello(j->grader->judges);
    const char *python = json_string_value(json_object_get(hello, "python"));
    if (python && strcmp(j->grader->python, python) != 0) {
        if (j->grader->python[0])
            cache_clear(&j->grader->cache); /* Python was exchanged under a running verifier */
        snprintf(j->grader->python, sizeof j->grader->python, "%s", python);
    }
    const char *const parts[] = {ASSAY_VERSION, helper_python(), without,
                                 p->key,        p->entry_point,  p->prefix};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        buf_puts(key, parts[i] ? parts[i] : "");
        buf_char(key, 0);
    }
    buf_printf(key, "%d %d ", j->starter, wants_timing(j));
    buf_str(key, j->x.code);
}

static enum step step_recall(struct job *j)
{
    struct buf key = {0};
    bool is_new;
    if (j->spec.fresh || is_large(j))
        return LINT;
    question_key(j, &key);
    struct cache_entry *e = cache_get(&j->grader->cache, buf_view(&key), &is_new);
    buf_free(&key);
    if (is_new) {
        j->entry = e;
        return LINT;
    }
    json_t *value = cache_value(e);
    if (!value) {
        j->waiting = true;
        queue_push(&e->waiters, &j->node);
        return WAIT;
    }
    j->lint = json_incref(json_object_get(value, "lint"));
    j->judged = json_incref(json_object_get(value, "judged"));
    j->cached = true;
    json_decref(value);
    return GRADE;
}

static void ask(struct job *j, struct pool *pool, json_t *question,
                const struct question_text texts[QUESTION_TEXTS_MAX], int64_t limit_ms,
                void (*done)(struct task *, json_t *, const char *))
{
    struct buf *text = pool == j->grader->judges ? &j->judged_text : &j->lint_text;
    json_decref(j->task.question);
    j->task = (struct task){
        .question = question,
        .limit_ms = limit_ms,
        .answer = j->entry ? text : NULL,
        .done = done,
        .asker = j->spec.asker,
    };
    memcpy(j->task.texts, texts, sizeof j->task.texts);
    if (pool == j->grader->judges) {
        j->task.suite_key = j->spec.problem->key;
        j->task.suite = j->spec.problem->suite;
        j->task.alone = wants_timing(j); /* a pair wants its core to itself */
    }
    j->in = pool;
    pool_submit(pool, &j->task);
}

static void on_linted(struct task *t, json_t *result, const char *infra)
{
    struct job *j = NODE_OWNER(t, struct job, task);
    j->in = NULL;
    j->lint = result;
    j->infra = infra ? arena_str(&j->arena, str_of(infra)).s : NULL;
    job_resume(j, infra ? SHARE : JUDGE);
}

/* At most LINT_TEXT_BYTES_MAX bytes, cut between characters. */
static struct str lint_text(struct str code)
{
    size_t n = code.len < LINT_TEXT_BYTES_MAX ? code.len : LINT_TEXT_BYTES_MAX;
    while (n < code.len && n > 0 && ((unsigned char)code.s[n] & 0xc0) == 0x80)
        n--;
    return str_make(code.s, n);
}

/* With how many arguments the cases call the entry point; NULL where one of them tells it in another
 * way. */
static json_t *counts_of_calls(const struct problem *p)
{
    json_t *cases = json_object_get(p->suite, "cases"), *counts = json_array();
    for (size_t i = 0; i < json_array_size(cases) && i < LINT_CASES_LOOKED_AT; i++) {
        json_t *c = json_array_get(cases, i), *args = json_object_get(c, "args");
        json_t *n = json_integer((json_int_t)json_array_size(args));
        bool plain = json_is_array(args) && json_object_size(json_object_get(c, "kwargs")) == 0;
        bool known = false;
        for (size_t k = 0; k < json_array_size(counts); k++)
            known = known || json_equal(json_array_get(counts, k), n);
        if (plain && !known)
            json_array_append(counts, n);
        json_decref(n);
        if (!plain || json_array_size(counts) > LINT_CALLS_MAX) {
            json_decref(counts);
            return NULL;
        }
    }
    return counts;
}

static enum step step_lint(struct job *j)
{
    const struct problem *p = j->spec.problem;
    const char *reference = json_string_value(json_object_get(p->suite, "reference"));
    const char *model = reference ? reference : p->prefix;
    json_t *calls = counts_of_calls(p);
    struct question_text texts[QUESTION_TEXTS_MAX] = {{"text", lint_text(j->x.code)}};
    if (model && !json_array_size(calls)) /* the calls say more */
        texts[1] = (struct question_text){"model", str_of(model)};
    ask(j, j->grader->linters,
        json_pack("{s:s?, s:s?, s:o*}", "entry_point", p->entry_point, "starter",
                  j->starter ? p->starter : NULL, "calls", calls),
        texts, LINT_MS_MAX, on_linted);
    return WAIT;
}

static void on_judged(struct task *t, json_t *result, const char *infra)
{
    struct job *j = NODE_OWNER(t, struct job, task);
    j->in = NULL;
    j->judged = result;
    j->infra = infra ? arena_str(&j->arena, str_of(infra)).s : NULL;
    job_resume(j, SHARE);
}

/* Every guest may use its whole wall time, and the test code as much again: past this the judge
 * itself hangs. Where the reference goes first, its time and the limits that grow with it come on
 * top (judge_derive.c). */
static int64_t judge_limit_ms(const struct job *j)
{
    const struct problem *p = j->spec.problem;
    size_t guests = 2 + json_array_size(json_object_get(p->suite, "stdio")) +
                    (wants_timing(j) ? TIMED_GUESTS_MAX : 0);
    bool asks_reference = json_object_get(p->suite, "derive") ||
                          json_object_get(p->suite, "framework") || p->limits.cpu_times > 0;
    return JUDGE_MARGIN_MS + (asks_reference ? REFERENCE_MS_MAX : 0) +
           (int64_t)((double)guests * (p->limits.wall_s + 1) * 1000);
}

static enum step step_judge(struct job *j)
{
    if (j->cancelled && (!j->entry || queue_empty(&j->entry->waiters))) {
        j->infra = "cancelled";
        return SHARE;
    }
    if (!grade_needs_judge(j->lint))
        return SHARE;
    /* Extraction keeps UTF-8 whole. */
    const struct question_text program[QUESTION_TEXTS_MAX] = {{"program", j->x.code}};
    ask(j, j->grader->judges,
        json_pack("{s:s, s:s, s:b, s:b}", "op", "grade", "suite", j->spec.problem->key, "timing",
                  wants_timing(j), "starter", j->starter),
        program, judge_limit_ms(j), on_judged);
    return WAIT;
}

/* A measured speed is worth no more than the moment it was measured in: those who wait for it share
 * it, nobody else does unless that was asked for. */
static bool is_lasting(const struct job *j)
{
    const json_t *time = json_object_get(j->judged, "time");
    return j->grader->cache_timed || !json_is_object(json_object_get(time, "speedup"));
}

/* Gives what was found to all who wait, and to the cache. */
static void publish(struct job *j, struct cache_entry *e)
{
    struct node waiters, *n;
    queue_init(&waiters);
    while ((n = queue_pop(&e->waiters)))
        queue_push(&waiters, n);
    if (is_lasting(j)) {
        struct buf value = {0};
        buf_reserve(&value, j->lint_text.len + j->judged_text.len + sizeof "{'lint':,'judged':}");
        buf_puts(&value, "{\"lint\":");
        buf_str(&value, buf_view(&j->lint_text));
        if (j->judged) {
            buf_puts(&value, ",\"judged\":");
            buf_str(&value, buf_view(&j->judged_text));
        }
        buf_char(&value, '}');
        cache_put(&j->grader->cache, e, buf_view(&value));
        buf_free(&value);
    } else {
        cache_drop(&j->grader->cache, e);
    }
    while ((n = queue_pop(&waiters))) {
        struct job *w = NODE_OWNER(n, struct job, node);
        w->waiting = false;
        w->lint = json_incref(j->lint);
        w->judged = json_incref(j->judged);
        w->cached = true;
        job_resume(w, GRADE);
    }
}

static enum step step_share(struct job *j)
{
    struct cache_entry *e = j->entry;
    struct node *n;
    j->entry = NULL;
    if (e && !j->infra) {
        publish(j, e);
    } else if (e && (n = queue_pop(&e->waiters))) {
        struct job *heir = NODE_OWNER(n, struct job, node);
        heir->waiting = false;
        heir->entry = e;
        job_resume(heir, LINT);
    } else if (e) {
        cache_drop(&j->grader->cache, e);
    }
    return j->cancelled ? END : GRADE;
}

static enum step step_grade(struct job *j)
{
    json_t *infra = j->infra ? json_pack("{s:s}", "infra", j->infra) : NULL;
    j->verdict = grade_verdict(j->spec.problem, j->spec.item, j->spec.sample, &j->x, j->lint,
                               infra ? infra : j->judged, &j->grader->reward, j->cached);
    json_decref(infra);
    return REPLY;
}

static enum step step_reply(struct job *j)
{
    j->done(j->ctx, j->verdict);
    return END;
}

static enum step (*const steps[])(struct job *) = {
    [EXTRACT] = step_extract, [RECALL] = step_recall, [LINT] = step_lint,   [JUDGE] = step_judge,
    [SHARE] = step_share,     [GRADE] = step_grade,   [REPLY] = step_reply,
};

static void job_free(struct job *j)
{
    json_decref(j->spec.item);
    catalog_drop(j->spec.catalog);
    json_decref(j->task.question);
    json_decref(j->lint);
    json_decref(j->judged);
    json_decref(j->verdict);
    buf_free(&j->lint_text);
    buf_free(&j->judged_text);
    arena_free(&j->arena);
    j->magic = 0;
    free(j);
}

static void job_resume(struct job *j, enum step at)
{
    CHECK(j->magic == JOB_MAGIC && !j->ended);
    while (at < END)
        at = steps[at](j);
    if (at == WAIT)
        return;
    j->ended = true;
    if (!j->starting)
        job_free(j);
}

struct job *job_start(struct grader *g, const struct job_spec *spec, job_done *done, void *ctx)
{
    struct job *j = xcalloc(1, sizeof *j);
    *j = (struct job){
        .magic = JOB_MAGIC, .grader = g, .spec = *spec, .done = done, .ctx = ctx, .starting = true};
    json_incref(j->spec.item);
    catalog_keep(j->spec.catalog);
    queue_init(&j->node);
    job_resume(j, EXTRACT);
    j->starting = false;
    if (!j->ended)
        return j;
    job_free(j);
    return NULL;
}

void job_cancel(struct job *j)
{
    CHECK(j->magic == JOB_MAGIC && !j->cancelled);
    j->cancelled = true;
    j->spec.asker = NULL;
    if (j->waiting) {
        queue_remove(&j->node);
        job_free(j);
    } else if (j->in && pool_cancel(j->in, &j->task)) {
        j->in = NULL;
        j->infra = "cancelled";
        job_resume(j, SHARE);
    }
}

void grader_start(struct grader *g, uv_loop_t *loop, int slots)
{
    const int linters = (slots + SLOTS_PER_LINTER - 1) / SLOTS_PER_LINTER;
    g->linters = pool_start(loop, POOL_LINT, linters, 0);
    g->judges = pool_start(loop, POOL_JUDGE, slots, SPARES_PER_SLOT * slots);
    asides_init(&g->asides, loop);
    cache_init(&g->cache, CACHE_ENTRIES_MAX, CACHE_BYTES_MAX);
}

void grader_stop(struct grader *g)
{
    g->stopped = true;
    pool_stop(g->judges);
    pool_stop(g->linters);
}

void grader_free(struct grader *g)
{
    pool_free(g->judges);
    pool_free(g->linters);
    cache_free(&g->cache);
}
