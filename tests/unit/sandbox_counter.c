/* The keeper's counters: what forked processes use, and nothing of the process that forks. Software
 * events are there on machines whose processor counts nothing, and are inherited and read alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/perf_event.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sandbox/counter.h"

static volatile uint64_t sink;

static void *burn(void *rounds)
{
    for (uint64_t i = 0; i < *(uint64_t *)rounds; i++)
        sink += i;
    return NULL;
}

/* Half of the work in a thread of its own. */
static int64_t burn_in_child(uint64_t rounds)
{
    int64_t took = 0;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, burn, &rounds) != 0)
            _exit(1);
        burn(&rounds);
        pthread_join(thread, NULL);
        took = cpu_ns();
        _exit(write(ends[1], &took, sizeof took) == sizeof took ? 0 : 1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &took, sizeof took), sizeof took);
    close(ends[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return took;
}

static void children_count_and_their_parent_does_not(void **state)
{
    static const struct sbx_counted clock = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK};
    struct sbx_counter counter;
    uint64_t own_work = 40000000;
    (void)state;
    int rc = sbx__counter_open(&clock, &counter);
    if (rc < 0) {
        print_message("# the kernel grants no counter: %s\n", strerror(-rc));
        skip();
    }
    burn(&own_work);
    uint64_t before = sbx__counter_children(&counter);
    int64_t parent = cpu_ns(), child = burn_in_child(20000000);
    uint64_t counted = sbx__counter_children(&counter) - before;
    parent = cpu_ns() - parent;
    print_message("# child %.1f ms, counted %.1f ms, parent before %.1f ms\n", (double)child / 1e6,
                  (double)counted / 1e6, (double)before / 1e6);
    assert_true(before < (uint64_t)(child / 4));
    assert_true(counted > (uint64_t)(child / 10 * 8));
    assert_true(counted < (uint64_t)(child + child / 2 + parent));
    sbx__counter_close(&counter);
    assert_int_equal(sbx__counter_children(&counter), 0);
}

static void instructions_are_those_of_the_work(void **state)
{
    struct sbx_counter counter;
    uint64_t counted[3];
    (void)state;
    int rc = sbx__counter_open(&sbx_instructions, &counter);
    if (rc < 0) {
        print_message("# no retired instructions here: %s\n", strerror(-rc));
        skip();
    }
    for (int i = 0; i < 3; i++) {
        uint64_t before = sbx__counter_children(&counter);
        burn_in_child(i == 2 ? 40000000 : 20000000);
        counted[i] = sbx__counter_children(&counter) - before;
    }
    sbx__counter_close(&counter);
    double same = (double)counted[1] / (double)counted[0];
    double twice = (double)counted[2] / (double)counted[0];
    print_message("# %.1f M instructions; again %.4f, twice %.4f\n", (double)counted[0] / 1e6, same,
                  twice);
    assert_true(same > 0.99 && same < 1.01 && twice > 1.95 && twice < 2.05);
}

static void what_nobody_counts_is_refused(void **state)
{
    static const struct sbx_counted nothing = {PERF_TYPE_SOFTWARE, 1u << 20};
    struct sbx_counter counter = {5, 5};
    (void)state;
    assert_true(sbx__counter_open(&nothing, &counter) < 0);
    assert_true(counter.all == -1 && counter.own == -1);
    assert_int_equal(sbx__counter_children(&counter), 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_count_and_their_parent_does_not),
        cmocka_unit_test(instructions_are_those_of_the_work),
        cmocka_unit_test(what_nobody_counts_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
