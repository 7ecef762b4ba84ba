/* Jobs against the real helpers of $ASSAY_BUILD: what is asked twice is judged once, a lead is
 * handed on, faults are never remembered. */
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "verifier/generate.h"
#include "verifier/grade.h"
#include "verifier/helper.h"
#include "verifier/job.h"

static struct problem_set set;

static const char problem_text[] = "id: add\n"
                                   "prompt: sum of two\n"
                                   "entry_point: add\n"
                                   "starter: |\n"
                                   "  BONUS = 1\n"
                                   "cases:\n"
                                   "  - {args: [1, 2], expected: 3}\n"
                                   "  - {args: [4, 4], expected: 8}\n"
                                   "reference: |\n"
                                   "  def add(a, b): return a + b\n"
                                   "limits: {cpu_s: 1, wall_s: 2}\n"
                                   "timing: {call: \"add(3, 4)\"}\n";

static int load(void **state)
{
    char path[] = "/tmp/assay-job-XXXXXX.yaml", real[PATH_MAX], *specs[] = {path};
    const char *build = getenv("ASSAY_BUILD");
    struct err err = {0};
    int fd = mkstemps(path, 5);
    (void)state;
    if (fd < 0 || write(fd, problem_text, sizeof problem_text - 1) != sizeof problem_text - 1)
        return -1;
    close(fd);
    if (realpath(build ? build : "build/release", real))
        helper_set_folder(real);
    int rc = generate_load(&set, specs, 1, &err);
    unlink(path);
    if (rc < 0)
        print_error("%s\n", err.text);
    return rc;
}

static int unload(void **state)
{
    (void)state;
    problems_free(&set);
    return 0;
}

enum { ASKED_MAX = 16 };

struct bench {
    uv_loop_t loop;
    struct grader grader;
    int answers, wanted;
    bool timing;
    json_t *verdicts[ASKED_MAX];
};

static struct bench bench;

static void on_verdict(void *ctx, json_t *verdict)
{
    *(json_t **)ctx = json_incref(verdict);
    if (++bench.answers == bench.wanted)
        grader_stop(&bench.grader);
}

static void bench_start(int wanted)
{
    bench = (struct bench){.wanted = wanted, .grader.reward = REWARD_DEFAULT};
    assert_int_equal(uv_loop_init(&bench.loop), 0);
    grader_start(&bench.grader, &bench.loop, 2);
}

static struct job *ask(int i, const char *kind, const char *program)
{
    json_t *item = json_pack("{s:s, s:s}", "task_id", "add", kind, program);
    struct job_spec spec = {
        .problem = problems_find(&set, "add"), .item = item, .sample = i, .timing = bench.timing};
    assert_non_null(spec.problem);
    struct job *j = job_start(&bench.grader, &spec, on_verdict, &bench.verdicts[i]);
    json_decref(item);
    return j;
}

static void bench_run(void)
{
    uv_run(&bench.loop, UV_RUN_DEFAULT);
    assert_int_equal(bench.answers, bench.wanted);
    assert_int_equal(uv_loop_close(&bench.loop), 0);
}

static void bench_end(void)
{
    grader_free(&bench.grader);
    for (int i = 0; i < ASKED_MAX; i++)
        json_decref(bench.verdicts[i]);
}

static bool cached(int i)
{
    return json_is_true(json_object_get(bench.verdicts[i], "cached"));
}

static void grades_are(int i, enum grade grade)
{
    if (grade_of(bench.verdicts[i]) != (int)grade)
        print_error("%s\n", json_dumps(bench.verdicts[i], 0));
    assert_int_equal(grade_of(bench.verdicts[i]), grade);
}

#define GOOD "def add(a, b):\n    return a + b\n"

static void test_same_question_once(void **state)
{
    (void)state;
    bench_start(8);
    for (int i = 0; i < 8; i++)
        ask(i, i < 7 ? "solution" : "response", GOOD);
    bench_run();
    for (int i = 0; i < 8; i++) {
        grades_are(i, GRADE_CORRECT);
        assert_int_equal(cached(i), i > 0);
    }
    assert_int_equal(bench.grader.cache.misses, 1);
    bench_end();
}

static void test_known_later(void **state)
{
    (void)state;
    bench_start(2);
    ask(0, "solution", GOOD);
    while (bench.answers == 0)
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_null(ask(1, "solution", GOOD)); /* at once */
    bench_run();
    grades_are(1, GRADE_CORRECT);
    assert_true(cached(1));
    bench_end();
}

static void until(int answers)
{
    while (bench.answers < answers)
        uv_run(&bench.loop, UV_RUN_ONCE);
}

/* One bit of every answer that is known flips: none of them is given. */
static void test_damaged_answer(void **state)
{
    (void)state;
    bench_start(3);
    ask(0, "solution", GOOD);
    until(1);
    struct cache *c = &bench.grader.cache;
    struct cache_entry *e = NODE_OWNER(c->recent.next, struct cache_entry, recent);
    ((char *)e->value.s)[e->value.len / 2] ^= 1;
    ask(1, "solution", GOOD);
    until(2);
    ask(2, "solution", GOOD);
    bench_run();
    for (int i = 0; i < 3; i++) {
        grades_are(i, GRADE_CORRECT);
        assert_int_equal(cached(i), i == 2);
    }
    assert_int_equal(c->corrupt, 1);
    bench_end();
}

static bool timed(int i)
{
    return json_is_object(json_object_get(json_object_get(bench.verdicts[i], "time"), "speedup"));
}

/* Two that ask at once share one measurement; who comes later gets one of his own, unless told
 * otherwise. What was not measured is remembered in any case. */
static void test_speed_is_not_remembered(void **state)
{
    (void)state;
    bench_start(7);
    bench.timing = true;
    for (int i = 0; i < 4; i++) {
        ask(i, "solution", i < 2 ? GOOD : "def add(a, b):\n    return 3\n");
        until(i == 0 ? 0 : i + 1);
    }
    bench.grader.cache_timed = true;
    for (int i = 4; i < 7; i++) {
        ask(i, "solution", GOOD);
        if (i < 6)
            until(i + 1);
    }
    bench_run();
    static const bool known[] = {false, true, false, true, false, true, true};
    for (int i = 0; i < 7; i++) {
        assert_int_equal(timed(i), i != 2 && i != 3);
        assert_int_equal(cached(i), known[i]);
    }
    bench_end();
}

static void test_starter_once(void **state)
{
    (void)state;
    bench_start(4);
    ask(0, "solution", "def add(a, b):\n    return a + b + BONUS - 1\n");
    ask(1, "completion", "def add(a, b):\n    return a + b + BONUS - 1\n");
    ask(2, "completion", "\nBONUS += 1\ndef add(a, b):\n    return a + b + BONUS - 2\n");
    ask(3, "solution", "I do not know how to add two numbers, sorry about that.");
    bench_run();
    for (int i = 0; i < 3; i++)
        grades_are(i, GRADE_CORRECT);
    grades_are(3, GRADE_NOT_CODE);
    bench_end();
}

static void test_lead_is_handed_on(void **state)
{
    (void)state;
    bench_start(3);
    struct job *first = ask(0, "solution", GOOD);
    ask(1, "solution", GOOD);
    struct job *third = ask(2, "solution", GOOD);
    ask(3, "solution", "def add(a, b):\n    return 3\n");
    ask(4, "solution", GOOD);
    job_cancel(first); /* leads, and no slot has begun: all helpers are still starting */
    job_cancel(third); /* waits */
    bench_run();
    assert_null(bench.verdicts[0]);
    assert_null(bench.verdicts[2]);
    grades_are(1, GRADE_CORRECT);
    grades_are(3, GRADE_FAILS_TESTS);
    grades_are(4, GRADE_CORRECT);
    assert_false(cached(1));
    assert_true(cached(4));
    bench_end();
}

static void test_cancel_while_it_runs(void **state)
{
    (void)state;
    bench_start(2);
    struct job *slow = ask(0, "solution", "def add(a, b):\n    while True: pass\n");
    while (!pool_stats(bench.grader.judges).busy)
        uv_run(&bench.loop, UV_RUN_ONCE);
    job_cancel(slow);
    ask(1, "solution", GOOD);
    ask(2, "solution",
        "def add(a, b):\n    while True: pass\n"); /* joins the one that still runs */
    bench_run();
    assert_null(bench.verdicts[0]);
    grades_are(1, GRADE_CORRECT);
    grades_are(2, GRADE_FAILS_TESTS);
    assert_true(cached(2));
    bench_end();
}

static void test_fault_is_not_remembered(void **state)
{
    char nowhere[] = "/tmp/assay-none-XXXXXX", real[PATH_MAX];
    (void)state;
    snprintf(real, sizeof real, "%s", helper_folder());
    assert_non_null(mkdtemp(nowhere));
    helper_set_folder(nowhere);
    bench_start(3);
    ask(0, "solution", GOOD);
    ask(1, "solution", GOOD);
    while (bench.answers < 2)
        uv_run(&bench.loop, UV_RUN_ONCE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(grade_of(bench.verdicts[i]), -1);
        assert_true(json_is_string(json_object_get(bench.verdicts[i], "infra")));
        assert_true(json_is_null(json_object_get(bench.verdicts[i], "reward")));
    }
    assert_int_equal(bench.grader.cache.entries, 0);
    helper_set_folder(real); /* the helpers are back: the pool must come up by itself */
    for (int i = 0; i < 3000 && !pool_hello(bench.grader.judges); i++) {
        uv_run(&bench.loop, UV_RUN_NOWAIT);
        usleep(20000);
    }
    ask(2, "solution", GOOD);
    bench_run();
    grades_are(2, GRADE_CORRECT);
    assert_false(cached(2));
    bench_end();
    rmdir(nowhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_question_once),   cmocka_unit_test(test_known_later),
        cmocka_unit_test(test_damaged_answer),       cmocka_unit_test(test_speed_is_not_remembered),
        cmocka_unit_test(test_starter_once),         cmocka_unit_test(test_lead_is_handed_on),
        cmocka_unit_test(test_cancel_while_it_runs), cmocka_unit_test(test_fault_is_not_remembered),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, load, unload);
}
