/* What a guest prints is drained, counted and kept as asked; what its end means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "sandbox.h"
#include "verifier/judge_drain.h"
#include "verifier/judge_guest.h"

static void open_pipe(int ends[2])
{
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
}

static void say(int fd, const char *text, size_t n)
{
    assert_int_equal(write(fd, text, n), n);
}

static void nothing_is_kept_of_what_nobody_reads(void **state)
{
    struct judge_drain d = {0};
    char block[4096];
    int ends[2];
    (void)state;
    memset(block, 'x', sizeof block);
    open_pipe(ends);
    judge_drain_begin(&d, DRAIN_KEEP_NOTHING, 100 * sizeof block);
    for (int i = 0; i < 100; i++) {
        say(ends[1], block, sizeof block);
        assert_true(judge_drain_read(&d, &ends[0]));
    }
    assert_int_equal(d.seen, 100 * sizeof block);
    assert_int_equal(d.kept.cap, 0);
    assert_false(judge_drain_flooded(&d));
    assert_false(judge_drain_read(&d, &ends[0]));
    assert_true(ends[0] >= 0);
    say(ends[1], block, 1);
    assert_true(judge_drain_read(&d, &ends[0]));
    assert_true(judge_drain_flooded(&d));
    close(ends[1]);
    assert_false(judge_drain_read(&d, &ends[0]));
    assert_int_equal(ends[0], -1);
}

static void a_tail_stays_short_and_is_the_end(void **state)
{
    struct judge_drain d = {0};
    char line[32];
    int ends[2];
    (void)state;
    open_pipe(ends);
    judge_drain_begin(&d, DRAIN_KEEP_TAIL, DRAIN_UNREAD_BYTES_MAX);
    for (int i = 0; i < 20000; i++) {
        say(ends[1], line, (size_t)snprintf(line, sizeof line, "line %d\n", i));
        assert_true(judge_drain_read(&d, &ends[0]));
        assert_true(d.kept.len <= 2 * DRAIN_TAIL_BYTES);
    }
    assert_true(d.kept.cap < 1 << 18);
    assert_true(d.kept.len >= DRAIN_TAIL_BYTES);
    assert_string_equal(d.kept.s + d.kept.len - 11, "line 19999\n");
    judge_drain_begin(&d, DRAIN_KEEP_ALL, 3);
    assert_int_equal(d.kept.len, 0);
    say(ends[1], "a\0b", 3);
    assert_true(judge_drain_read(&d, &ends[0]));
    assert_memory_equal(d.kept.s, "a\0b", 4);
    assert_false(judge_drain_flooded(&d));
    close(ends[0]);
    close(ends[1]);
    buf_free(&d.kept);
}

static void an_end_has_one_reason(void **state)
{
    (void)state;
    enum { LIMIT_KIB = 1000 };
    static const struct {
        int status; /* as waitpid's: a signal, or an exit status shifted by 8 */
        enum keeper_cause cause;
        uint64_t peak_kib;
        enum reason reason;
    } rows[] = {
        {0, KEEPER_BY_ITSELF, 10, REASON_NONE},
        {1 << 8, KEEPER_BY_ITSELF, 10, REASON_EXCEPTION},
        {SIGKILL, KEEPER_BY_CPU, 10, REASON_TIME_LIMIT},
        {SIGKILL, KEEPER_BY_WALL, 2000, REASON_TIME_LIMIT},
        {SIGXCPU, KEEPER_BY_ITSELF, 10, REASON_TIME_LIMIT},
        {SIGSYS, KEEPER_BY_ITSELF, 2000, REASON_FORBIDDEN},
        {SIGXFSZ, KEEPER_BY_ITSELF, 10, REASON_OUTPUT_LIMIT},
        {SIGSEGV, KEEPER_BY_ITSELF, 600, REASON_CRASHED},
        {SIGSEGV, KEEPER_BY_ITSELF, 950, REASON_MEMORY_LIMIT},
        {SIGKILL, KEEPER_BY_ITSELF, 400, REASON_CRASHED},
        {SIGKILL, KEEPER_BY_ITSELF, 600, REASON_MEMORY_LIMIT},
        {SIGKILL, KEEPER_BY_DISK, 10, REASON_OUTPUT_LIMIT},
        {SIGKILL, KEEPER_BY_MEMORY, 10, REASON_MEMORY_LIMIT},
        {SIGABRT, KEEPER_BY_ITSELF, 400, REASON_CRASHED},
        {SIGABRT, KEEPER_BY_ITSELF, 600, REASON_MEMORY_LIMIT},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct keeper_exited end = {
            .status = rows[i].status, .cause = rows[i].cause, .memory_peak_kib = rows[i].peak_kib};
        if (judge_reason_of_end(&end, LIMIT_KIB) != rows[i].reason)
            fail_msg("row %zu: reason %d, not %d", i, judge_reason_of_end(&end, LIMIT_KIB),
                     rows[i].reason);
    }
}

/* Who killed it, where the program could not: nobody but the host or a stranger is to be found. */
static void a_killed_guest_has_one_killer(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum keeper_cause cause;
        uint64_t peak_kib;
        bool killed, surely, surely_without_pidns;
    } rows[] = {
        {SIGKILL, KEEPER_BY_ITSELF, 10, true, true, false},
        {SIGKILL, KEEPER_BY_ITSELF, 900, true, false, false},
        {SIGKILL, KEEPER_BY_HOST, 10, true, true, true},
        {SIGKILL, KEEPER_BY_HOST, 900, true, true, true},
        {SIGKILL, KEEPER_BY_MEMORY, 10, false, false, false},
        {SIGKILL, KEEPER_BY_WALL, 10, false, false, false},
        {SIGSEGV, KEEPER_BY_ITSELF, 10, false, false, false},
        {0, KEEPER_BY_ITSELF, 10, false, false, false},
    };
    for (size_t i = 0; i < 2 * COUNT_OF(rows); i++) {
        const bool alone = i % 2;
        struct judge_guest g = {.exited = true,
                                .isolation = alone ? SBX_PIDNS : 0,
                                .memory_kib = 1000,
                                .end = {.status = rows[i / 2].status,
                                        .cause = rows[i / 2].cause,
                                        .memory_peak_kib = rows[i / 2].peak_kib}};
        bool surely;
        assert_int_equal(judge_guest_was_killed(&g, &surely), rows[i / 2].killed);
        assert_int_equal(surely, alone ? rows[i / 2].surely : rows[i / 2].surely_without_pidns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_kept_of_what_nobody_reads),
        cmocka_unit_test(a_tail_stays_short_and_is_the_end),
        cmocka_unit_test(an_end_has_one_reason),
        cmocka_unit_test(a_killed_guest_has_one_killer),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
