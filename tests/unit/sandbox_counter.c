/* The keeper's counters: what forked processes use, and nothing of the process that forks. Software
 * events are there on machines whose processor counts nothing, and are inherited and read alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/counter.h"

/* Half of what a child does; the other half is a thread's. */
typedef void *work(void *amount);

static volatile uint64_t sink;

static void *burn(void *rounds)
{
    for (uint64_t i = 0; i < *(uint64_t *)rounds; i++)
        sink += i;
    return NULL;
}

/* A fault for each page: events that a busy host makes neither more nor fewer. */
static void *touch(void *pages)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = *(uint64_t *)pages * page;
    char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    madvise(map, size, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < size; i += page)
        *(volatile char *)(map + i) = 1;
    munmap(map, size);
    return NULL;
}

static void in_child(work *half, uint64_t amount)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, half, &amount) != 0)
            _exit(1);
        half(&amount);
        _exit(pthread_join(thread, NULL) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void children_count_and_their_parent_does_not(void **state)
{
    static const struct sbx_counted faults = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS};
    struct sbx_counter counter;
    uint64_t own_work = 50000, half = 10000;
    (void)state;
    int rc = sbx__counter_open(&faults, &counter);
    if (rc < 0) {
        print_message("# the kernel grants no counter: %s\n", strerror(-rc));
        skip();
    }
    touch(&own_work);
    uint64_t before = sbx__counter_children(&counter);
    in_child(touch, half);
    touch(&own_work);
    uint64_t counted = sbx__counter_children(&counter) - before;
    print_message("# children touched %" PRIu64 " pages, counted %" PRIu64 ", before %" PRIu64 "\n",
                  2 * half, counted, before);
    assert_true(before < half / 10);
    assert_true(counted >= 2 * half && counted < 3 * half);
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
        in_child(burn, i == 2 ? 40000000 : 20000000);
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
