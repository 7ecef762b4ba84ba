/* The pool against helpers that really misbehave: each test puts small shell programs where the
 * helpers are looked for. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/open_files.h"
#include "verifier/helper.h"
#include "verifier/pool.h"

#define HELLO "printf '\\002\\000\\000\\000\\001\\001\\000\\000\\000\\000\\000\\000{}'\n"
/* Reads one frame's header, remembers it, and reads the payload. */
#define READ_JOB                                                                                   \
    "head -c 12 > $0.$$; [ -s $0.$$ ] || exit 9\n"                                                 \
    "n=$(od -An -tu4 -N4 $0.$$); head -c $n > $0.$$.job\n"
#define ANSWER                                                                                     \
    "printf '\\013\\000\\000\\000\\001\\004\\000\\000'; tail -c 4 $0.$$; printf '{\"good\": 1}'\n"

/* A judge is also told where to run. */
#define READ_TO_JOB "while :; do\n" READ_JOB "[ $(od -An -tu1 -j5 -N1 $0.$$) = 3 ] && break; done\n"
/* The judge's word of its program, as pool and judge exchange it. */
#define ASLEEP                                                                                     \
    "printf '\\017\\000\\000\\000\\001\\006\\000\\000'; tail -c 4 $0.$$; "                         \
    "printf '{\"asleep\":true}'\n"
#define AWAKE                                                                                      \
    "printf '\\020\\000\\000\\000\\001\\006\\000\\000'; tail -c 4 $0.$$; "                         \
    "printf '{\"asleep\":false}'\n"
/* A keeper ends when its judge does. */
#define KEEP "head -c 1 <&3\n"

static char folder[64];

static void helper(const char *name, const char *body)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\n%s", body);
    fclose(f);
    assert_int_equal(chmod(path, 0755), 0);
}

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/assay-pool-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    helper_set_folder(folder);
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

enum { TASKS = 10, LIMIT_MS = 60000 /* not met, on any host */ };

struct asked {
    struct task task[TASKS];
    int answers, results;
    long order[TASKS]; /* of the answers */
    char infra[TASKS][160];
    struct pool *pool;
    int n;
    struct pool_stats stats;
    long bad; /* the text of this task is another */
};

static struct asked *asking;

static void on_done(struct task *t, json_t *result, const char *infra)
{
    struct asked *a = asking;
    long i = t - a->task;
    a->results += json_integer_value(json_object_get(result, "good")) == 1;
    json_decref(result);
    snprintf(a->infra[i], sizeof a->infra[i], "%s", infra ? infra : "");
    a->order[a->answers] = i;
    if (++a->answers == a->n) {
        a->stats = pool_stats(a->pool);
        pool_stop(a->pool);
    }
}

/* Asks `n` questions of a fresh pool and waits for all answers; nothing may be left behind. All but the
 * last are of one asker. */
static void ask_one_bad(struct asked *a, enum pool_kind kind, int slots, int spares, int n,
                        int limit_ms, long bad)
{
    struct asker asker = {{0}};
    uv_loop_t loop;
    int files = open_files();
    *a = (struct asked){.n = n, .bad = bad};
    asking = a;
    json_t *question = json_pack("{s:s}", "text", "x = 1");
    json_t *bad_question = json_pack("{s:s}", "text", "bad");
    assert_int_equal(uv_loop_init(&loop), 0);
    a->pool = pool_start(&loop, kind, slots, spares);
    for (int i = 0; i < n; i++) {
        a->task[i] = (struct task){.question = i == bad ? bad_question : question,
                                   .limit_ms = limit_ms,
                                   .done = on_done,
                                   .asker = i < n - 1 ? &asker : NULL};
        pool_submit(a->pool, &a->task[i]);
    }
    assert_int_equal(a->answers, 0); /* never from within pool_submit */
    uv_run(&loop, UV_RUN_DEFAULT);
    pool_free(a->pool);
    assert_int_equal(uv_loop_close(&loop), 0);
    json_decref(question);
    json_decref(bad_question);
    assert_int_equal(a->answers, n);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child left, not even a dead one */
    assert_in_range(open_files(), 0,
                    files + 4); /* libuv keeps its signal pipe for the process's life */
}

static void ask_with_spares(struct asked *a, enum pool_kind kind, int slots, int spares, int n,
                            int limit_ms)
{
    ask_one_bad(a, kind, slots, spares, n, limit_ms, -1);
}

static void ask(struct asked *a, enum pool_kind kind, int slots, int n, int limit_ms)
{
    ask_with_spares(a, kind, slots, 0, n, limit_ms);
}

static void test_answers(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-lint", HELLO "while :; do\n" READ_JOB ANSWER "done\n");
    ask(&a, POOL_LINT, 1, 3, LIMIT_MS);
    assert_int_equal(a.results, 3);
    assert_int_equal(a.stats.retried, 0);
}

/* Who asks for one thing waits for one of those that another has asked for. */
static void test_askers_take_turns(void **state)
{
    static const long wanted[] = {0, 3, 1, 2};
    struct asked a;
    (void)state;
    helper("assay-lint", HELLO "while :; do\n" READ_JOB ANSWER "done\n");
    ask(&a, POOL_LINT, 1, 4, LIMIT_MS);
    assert_int_equal(a.results, 4);
    assert_memory_equal(a.order, wanted, sizeof wanted);
}

/* The first to be asked sleeps until another was, which must be a spare one. */
static void test_spare_works_for_a_sleeper(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-keeper", KEEP);
    helper("assay-judge",
           HELLO "while :; do\n" READ_TO_JOB "if mkdir $0.first 2>/dev/null; then\n" ASLEEP
                 "until [ -e $0.other ]; do sleep 0.02; done\n" AWAKE
                 "else : >$0.other; fi\n" ANSWER "done\n");
    ask_with_spares(&a, POOL_JUDGE, 1, 2, 3, LIMIT_MS);
    assert_int_equal(a.results, 3);
    assert_int_not_equal(a.order[0], 0);
    assert_int_equal(a.stats.begun, 2);
    assert_int_equal(a.stats.slots, 1);
    assert_int_equal(a.stats.asleep, 0);
    assert_int_equal(a.stats.retried + a.stats.restarts, 0);
}

/* The spare one is up, but the sleeper awake again: one works at a time. The word of both changes comes
 * in one piece, long before the spare one is up. */
static void test_spare_waits_for_who_woke(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-keeper", KEEP);
    helper("assay-judge",
           ": >$0.up.$$\n" HELLO "while :; do\n" READ_TO_JOB "if mkdir $0.first 2>/dev/null; then\n"
           "{\n" ASLEEP AWAKE "} >$0.both; cat $0.both\n"
           "until [ $(ls $0.up.* | wc -l) = 2 ]; do sleep 0.02; done\n"
           "sleep 0.2; [ ! -e $0.other ] || exit 1\n"
           "else : >$0.other; fi\n" ANSWER "done\n");
    ask_with_spares(&a, POOL_JUDGE, 1, 1, 2, LIMIT_MS);
    assert_int_equal(a.results, 2);
    assert_int_equal(a.order[0], 0);
    assert_int_equal(a.stats.begun, 2);
    assert_int_equal(a.stats.retried + a.stats.restarts, 0);
}

/* Nobody sleeps: the spare one is never begun. */
static void test_spare_is_spared(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-keeper", KEEP);
    helper("assay-judge", HELLO "while :; do\n" READ_TO_JOB ANSWER "done\n");
    ask_with_spares(&a, POOL_JUDGE, 1, 2, 4, LIMIT_MS);
    assert_int_equal(a.results, 4);
    assert_int_equal(a.stats.begun, 1);
}

static void test_missing_program(void **state)
{
    struct asked a;
    (void)state;
    ask(&a, POOL_JUDGE, 2, 3, LIMIT_MS);
    assert_int_equal(a.results, 0);
    for (int i = 0; i < 3; i++)
        assert_non_null(strstr(a.infra[i], "cannot start"));
}

static void test_dies_before_hello(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-lint", "exit 3\n");
    ask(&a, POOL_LINT, 2, 2, LIMIT_MS);
    assert_non_null(strstr(a.infra[0], "exited with status 3"));
}

static void test_dies_once_in_a_job(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-lint",
           HELLO READ_JOB "if mkdir $0.once 2>/dev/null; then kill -9 $$; fi\n" ANSWER READ_JOB);
    ask(&a, POOL_LINT, 1, 1, LIMIT_MS);
    assert_int_equal(a.results, 1);
    assert_int_equal(a.stats.retried, 1);
}

static void test_dies_in_every_job(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-lint", HELLO READ_JOB "kill -SEGV $$\n");
    ask(&a, POOL_LINT, 2, 2, LIMIT_MS);
    assert_int_equal(a.results, 0);
    assert_non_null(strstr(a.infra[0], "signal 11"));
    assert_non_null(strstr(a.infra[1], "signal 11"));
}

/* True once for each of the numbers. */
#define ONCE_FOR(numbers, deed)                                                                    \
    "for i in " numbers "; do if mkdir $0.once.$i 2>/dev/null; then " deed "; fi; done\n"
/* The judge's word that a guest was killed. */
#define KILLED_SURELY                                                                              \
    "printf '\\023\\000\\000\\000\\001\\004\\000\\000'; tail -c 4 $0.$$; "                         \
    "printf '{\"killed\":\"surely\"}'"
#define KILLED_PERHAPS                                                                             \
    "printf '\\024\\000\\000\\000\\001\\004\\000\\000'; tail -c 4 $0.$$; "                         \
    "printf '{\"killed\":\"perhaps\"}'"

static void test_killed_several_times(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-lint", HELLO READ_JOB ONCE_FOR("1 2 3 4 5", "kill -9 $$") ANSWER READ_JOB);
    ask(&a, POOL_LINT, 1, 1, LIMIT_MS);
    assert_int_equal(a.results, 1);
    assert_int_equal(a.stats.retried, 5);
    assert_int_equal(a.stats.kills, 5);
}

/* A task in which its helper is killed every time, and its neighbours are not. */
static void test_killed_in_every_job(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-lint", HELLO READ_JOB "kill -9 $$\n");
    ask(&a, POOL_LINT, 1, 1, LIMIT_MS);
    assert_int_equal(a.results, 0);
    assert_non_null(strstr(a.infra[0], "signal 9"));
    assert_int_equal(a.stats.retried, 15);
}

/* Nor does it go on for ever when each try takes long. */
static void test_killed_late_in_every_job(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-lint", HELLO READ_JOB "sleep 0.2; kill -9 $$\n");
    ask(&a, POOL_LINT, 1, 1, 500);
    assert_int_equal(a.results, 0);
    assert_in_range(a.stats.retried, 1, 4);
}

/* The keeper ends by itself when its judge is killed, and may be reaped first. */
static void test_one_killed_the_other_follows(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-keeper", "head -c 1 <&3; exit 7\n");
    helper("assay-judge", HELLO READ_JOB ONCE_FOR("1 2 3 4 5 6", "kill -9 $$") ANSWER READ_JOB);
    ask(&a, POOL_JUDGE, 1, 1, LIMIT_MS);
    assert_int_equal(a.results, 1);
    assert_int_equal(a.stats.kills, 6);
}

static void test_guest_killed(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-lint", HELLO "while :; do\n" READ_JOB
                               "answer() {\n" ONCE_FOR("1 2 3 4 5 6 7 8", KILLED_SURELY "; return")
                                   ANSWER "}\nanswer; done\n");
    ask(&a, POOL_LINT, 1, 1, LIMIT_MS);
    assert_int_equal(a.results, 1);
    assert_int_equal(a.stats.retried, 8);
    assert_int_equal(a.stats.restarts, 0); /* its helper is as good as before */
}

/* Nor is a guest that somebody kills every time ever the program's fault. */
static void test_guest_killed_in_every_job(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-lint", HELLO "while :; do\n" READ_JOB KILLED_SURELY "; done\n");
    ask(&a, POOL_LINT, 1, 1, LIMIT_MS);
    assert_int_equal(a.results, 0);
    assert_non_null(strstr(a.infra[0], "kills the program"));
    assert_int_equal(a.stats.retried, 15);
}

/* A program that kills itself again and again where nobody can tell is answered with what the judge
 * found. */
static void test_guest_kills_itself(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-lint", HELLO "while :; do\n" READ_JOB KILLED_PERHAPS "; done\n");
    ask(&a, POOL_LINT, 1, 1, LIMIT_MS);
    assert_string_equal(a.infra[0], "");
    assert_int_equal(a.stats.retried, 3);
}

#define READ_NTH_JOB(n) "set -- " n "\n" READ_JOB "cp $0.$$ $0.$$." n "\n"
#define ANSWER_NTH(n)                                                                              \
    "printf '\\013\\000\\000\\000\\001\\004\\000\\000'; tail -c 4 $0.$$." n                        \
    "; printf '{\"good\": 1}'\n"

/* A linter that answers nothing before it has four texts. */
static void test_sent_ahead(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-lint",
           HELLO READ_NTH_JOB("1") READ_NTH_JOB("2") READ_NTH_JOB("3") READ_NTH_JOB("4")
               ANSWER_NTH("1") ANSWER_NTH("2") ANSWER_NTH("3") ANSWER_NTH("4") READ_JOB);
    ask(&a, POOL_LINT, 1, 4, LIMIT_MS);
    assert_int_equal(a.results, 4);
    assert_int_equal(a.stats.retried + a.stats.restarts, 0);
}

/* One text ends its linter whenever its turn comes. That is its own fault alone, whoever is sent along
 * with it. */
static void test_bad_neighbour(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-lint",
           HELLO "while :; do\n" READ_JOB "grep -q bad $0.$$.job && exit 5\n" ANSWER "done\n");
    ask_one_bad(&a, POOL_LINT, 1, 0, TASKS, LIMIT_MS, 4);
    assert_int_equal(a.results, TASKS - 1);
    assert_non_null(strstr(a.infra[4], "exited with status 5"));
    assert_int_equal(a.stats.restarts, 2);
}

/* The answer before it is held back then, so that its neighbour is blamed: once, and tried again alone.
 * (The one of another asker is the second to be asked.) */
static void test_neighbour_is_blamed(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-lint", HELLO
           "k=0; while :; do\n" READ_JOB "grep -q bad $0.$$.job && exit 5\n"
           "k=$((k + 1)); [ $k = 4 ] && mkdir $0.once 2>/dev/null && continue\n" ANSWER "done\n");
    ask_one_bad(&a, POOL_LINT, 1, 0, TASKS, LIMIT_MS, 3);
    assert_int_equal(a.results, TASKS - 1);
    assert_non_null(strstr(a.infra[3], "exited with status 5"));
    assert_int_equal(a.stats.restarts, 3);
    assert_int_equal(a.stats.retried, 2);
}

/* The first task lasts until two others have begun, so that the one that was sent along with it must be
 * taken back. Its judge says that it has not begun it, or has overlooked the word and answers. The last
 * one lasts until then. */
static void take_back(const char *say)
{
    struct asked a;
    struct buf body = {0};
    buf_printf(&body,
               HELLO "while :; do\n" READ_TO_JOB "if grep -q bad $0.$$.job; then mine=1\n"
                     "until [ -e $0.1 ] && [ -e $0.2 ]; do sleep 0.02; done\n" ANSWER
                     "elif [ \"$mine\" = 1 ]; then mine=2\n%s: >$0.said\n"
                     "else mkdir $0.1 2>/dev/null || mkdir $0.2 2>/dev/null ||\n"
                     "until [ -e $0.said ]; do sleep 0.02; done\n" ANSWER "fi; done\n",
               say);
    helper("assay-keeper", KEEP);
    helper("assay-judge", body.s);
    ask_one_bad(&a, POOL_JUDGE, 2, 0, 4, LIMIT_MS, 0);
    assert_int_equal(a.results, 4);
    assert_int_equal(a.stats.retried + a.stats.restarts, 0);
    buf_free(&body);
}

static void test_taken_back(void **state)
{
    (void)state;
    take_back("printf '\\000\\000\\000\\000\\001\\007\\000\\000'; tail -c 4 $0.$$\n");
}

static void test_taken_back_too_late(void **state)
{
    (void)state;
    take_back(ANSWER);
}

static void test_overruns(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-lint", HELLO READ_JOB "exec sleep 100\n");
    ask(&a, POOL_LINT, 1, 1, 150);
    assert_non_null(strstr(a.infra[0], "overran"));
    assert_int_equal(a.stats.restarts, 2);
}

static void test_speaks_nonsense(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-lint", HELLO READ_JOB "echo 'this is not a frame at all'; sleep 100\n");
    ask(&a, POOL_LINT, 1, 1, LIMIT_MS);
    assert_non_null(strstr(a.infra[0], "malformed frame"));
    helper("assay-lint", HELLO READ_JOB
           "printf '\\002\\000\\000\\000\\001\\004\\000\\000\\377\\377\\000\\000{}'; sleep 100\n");
    ask(&a, POOL_LINT, 1, 1, LIMIT_MS);
    assert_non_null(strstr(a.infra[0], "out of turn"));
}

static void test_keeper_takes_judge_along(void **state)
{
    struct asked a;
    (void)state;
    helper("assay-keeper", "sleep 0.2; exit 5\n");
    helper("assay-judge", HELLO READ_JOB "exec sleep 100\n");
    ask(&a, POOL_JUDGE, 1, 1, LIMIT_MS);
    assert_non_null(strstr(a.infra[0], "assay-keeper exited with status 5"));
}

static void test_cancel(void **state)
{
    struct asked a = {.n = 2};
    uv_loop_t loop;
    (void)state;
    helper("assay-lint", HELLO "while :; do\n" READ_JOB ANSWER "done\n");
    asking = &a;
    json_t *question = json_object();
    assert_int_equal(uv_loop_init(&loop), 0);
    a.pool = pool_start(&loop, POOL_LINT, 1, 0);
    for (int i = 0; i < 3; i++) {
        a.task[i] = (struct task){.question = question, .limit_ms = LIMIT_MS, .done = on_done};
        pool_submit(a.pool, &a.task[i]);
    }
    assert_true(pool_cancel(a.pool, &a.task[1]));
    uv_run(&loop, UV_RUN_DEFAULT);
    pool_free(a.pool);
    assert_int_equal(uv_loop_close(&loop), 0);
    json_decref(question);
    assert_int_equal(a.results, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_askers_take_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spare_works_for_a_sleeper, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spare_waits_for_who_woke, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spare_is_spared, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing_program, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dies_before_hello, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dies_once_in_a_job, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dies_in_every_job, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_several_times, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_in_every_job, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_late_in_every_job, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_killed_the_other_follows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_guest_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_guest_killed_in_every_job, setup, teardown),
        cmocka_unit_test_setup_teardown(test_guest_kills_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sent_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_neighbour, setup, teardown),
        cmocka_unit_test_setup_teardown(test_neighbour_is_blamed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_taken_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_taken_back_too_late, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overruns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_speaks_nonsense, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keeper_takes_judge_along, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
