/* Frames as they come in on a helper's descriptor, and the linter that reads several at once. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "verifier/frames.h"
#include "verifier/lint.h"
#include "verifier/question.h"

static void add_frame(struct buf *out, unsigned type, uint32_t seq, struct str payload)
{
    struct wire_header head = {
        .len = (uint32_t)payload.len, .version = WIRE_VERSION, .type = (uint8_t)type, .seq = seq};
    buf_add(out, &head, sizeof head);
    buf_str(out, payload);
}

static void put(int fd, struct str bytes)
{
    assert_int_equal(write(fd, bytes.s, bytes.len), bytes.len);
}

static void assert_next(struct frames *f, unsigned type, uint32_t seq, struct str payload)
{
    struct wire_header head;
    struct str got;
    assert_int_equal(frames_next(f, &head, &got), 1);
    assert_int_equal(head.type, type);
    assert_int_equal(head.seq, seq);
    assert_true(str_eq(got, payload));
}

static int setup(void **state)
{
    static int fds[2];
    *state = fds;
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
}

static int teardown(void **state)
{
    int *fds = *state;
    close(fds[0]);
    return fds[1] < 0 ? 0 : close(fds[1]);
}

static void test_several_in_one_read(void **state)
{
    int *fds = *state;
    struct frames f = {.fd = fds[0]};
    struct buf out = {0};
    add_frame(&out, WIRE_SUITE, 1, STR("one"));
    add_frame(&out, WIRE_JOB, 1, STR(""));
    add_frame(&out, WIRE_JOB, 2, STR("three"));
    put(fds[1], buf_view(&out));
    assert_false(frames_any(&f));
    assert_next(&f, WIRE_SUITE, 1, STR("one"));
    assert_true(f.fresh);
    assert_true(frames_any(&f));
    assert_next(&f, WIRE_JOB, 1, STR(""));
    assert_false(f.fresh);
    assert_next(&f, WIRE_JOB, 2, STR("three"));
    assert_false(frames_any(&f));
    buf_free(&out);
    frames_free(&f);
}

/* A frame larger than one read and than a socket holds, and one behind it. */
static void test_large_frame_in_pieces(void **state)
{
    int *fds = *state;
    struct frames f = {.fd = fds[0]};
    struct buf out = {0}, text = {0};
    while (text.len < 3u << 20)
        buf_printf(&text, "%zu ", text.len);
    add_frame(&out, WIRE_JOB, 7, buf_view(&text));
    add_frame(&out, WIRE_BACK, 8, STR(""));
    pid_t writer = fork();
    if (writer == 0) {
        for (size_t at = 0; at < out.len;) {
            ssize_t n = write(fds[1], out.s + at, out.len - at < 50021 ? out.len - at : 50021);
            at += n > 0 ? (size_t)n : out.len;
        }
        _exit(0);
    }
    assert_next(&f, WIRE_JOB, 7, buf_view(&text));
    assert_next(&f, WIRE_BACK, 8, STR(""));
    assert_int_equal(waitpid(writer, NULL, 0), writer);
    buf_free(&out);
    buf_free(&text);
    frames_free(&f);
}

static void test_finds_what_came_behind(void **state)
{
    int *fds = *state;
    struct frames f = {.fd = fds[0]};
    struct buf out = {0};
    add_frame(&out, WIRE_JOB, 1, STR("a"));
    add_frame(&out, WIRE_JOB, 2, STR("b"));
    put(fds[1], buf_view(&out));
    assert_next(&f, WIRE_JOB, 1, STR("a"));
    assert_next(&f, WIRE_JOB, 2, STR("b"));
    assert_false(frames_find(&f, WIRE_BACK, 2));
    buf_clear(&out);
    add_frame(&out, WIRE_CORE, 3, STR("{}"));
    add_frame(&out, WIRE_BACK, 2, STR(""));
    put(fds[1], buf_view(&out));
    assert_false(frames_find(&f, WIRE_BACK, 3));
    assert_true(frames_find(&f, WIRE_BACK, 2));
    assert_next(&f, WIRE_CORE, 3, STR("{}"));
    assert_next(&f, WIRE_BACK, 2, STR(""));
    assert_false(frames_find(&f, WIRE_BACK, 2));
    buf_free(&out);
    frames_free(&f);
}

static void test_ends(void **state)
{
    int *fds = *state;
    struct frames f = {.fd = fds[0]};
    struct wire_header head;
    struct str payload;
    struct buf out = {0};
    add_frame(&out, WIRE_JOB, 1, STR("whole"));
    put(fds[1], buf_view(&out));
    put(fds[1], str_make(out.s, out.len - 1));
    close(fds[1]);
    fds[1] = -1;
    assert_next(&f, WIRE_JOB, 1, STR("whole"));
    assert_false(frames_find(&f, WIRE_BACK, 1));
    assert_int_equal(frames_next(&f, &head, &payload), -EPROTO);
    frames_free(&f);
    assert_int_equal(frames_next(&f, &head, &payload), 0);
    buf_free(&out);
    frames_free(&f);
}

static void test_refuses_what_is_no_frame(void **state)
{
    const struct wire_header wrong[] = {
        {.len = 1, .version = WIRE_VERSION + 1, .type = WIRE_JOB},
        {.len = 1, .version = WIRE_VERSION, .type = WIRE_JOB, .zero = 1},
        {.len = WIRE_JOB_BYTES_MAX + 1u, .version = WIRE_VERSION, .type = WIRE_JOB},
    };
    int *fds = *state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct frames f = {.fd = fds[0]};
        struct wire_header head;
        struct str payload;
        put(fds[1], str_make((const char *)&wrong[i], sizeof wrong[i]));
        assert_int_equal(frames_next(&f, &head, &payload), -EPROTO);
        frames_free(&f);
    }
}

/* ---- the linter ------------------------------------------------------------------------------ */

/* Starts the one that was built with this test; its ends are *ret_to and `from`. */
static pid_t start_linter(int *ret_to, struct frames *from)
{
    int in[2], out[2];
    char path[512];
    snprintf(path, sizeof path, "%s/assay-lint", getenv("ASSAY_BUILD"));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execl(path, path, NULL);
        _exit(9);
    }
    close(in[0]);
    close(out[1]);
    *ret_to = in[1];
    *from = (struct frames){.fd = out[0]};
    return pid;
}

static void add_text(struct buf *out, uint32_t seq, struct str text)
{
    const struct question_text texts[QUESTION_TEXTS_MAX] = {{"text", text}};
    struct buf payload = {0};
    json_t *question = json_object();
    question_write(question, texts, &payload);
    add_frame(out, WIRE_JOB, seq, buf_view(&payload));
    json_decref(question);
    buf_free(&payload);
}

/* Whether the text of this answer is a program that the grammar parsed. */
static bool answered(struct frames *from, uint32_t seq)
{
    struct wire_header head;
    struct str payload;
    assert_int_equal(frames_next(from, &head, &payload), 1);
    assert_int_equal(head.type, WIRE_RESULT);
    assert_int_equal(head.seq, seq);
    json_t *answer = json_loadb(payload.s, payload.len, 0, NULL);
    assert_non_null(answer);
    assert_string_equal(json_string_value(json_object_get(answer, "language")), "python");
    bool parses = json_is_true(json_object_get(answer, "parses"));
    json_decref(answer);
    return parses;
}

static void assert_hello(struct frames *from)
{
    struct wire_header head;
    struct str payload;
    assert_int_equal(frames_next(from, &head, &payload), 1);
    assert_int_equal(head.type, WIRE_HELLO);
}

static int end_linter(pid_t pid, int to, struct frames *from)
{
    struct wire_header head;
    struct str payload;
    int status;
    close(to);
    assert_int_equal(frames_next(from, &head, &payload), 0);
    close(from->fd);
    frames_free(from);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Eleven at once, then one: all are answered, in order, and nothing stays behind. */
static void test_linter_answers_in_order(void **state)
{
    int to;
    struct frames from;
    struct buf out = {0};
    (void)state;
    if (!getenv("ASSAY_BUILD"))
        skip();
    pid_t pid = start_linter(&to, &from);
    for (uint32_t seq = 1; seq <= 11; seq++)
        add_text(&out, seq, seq % 3 ? STR("def f(x):\n    return x\n") : STR("def f(x:\n  x\n"));
    put(to, buf_view(&out));
    assert_hello(&from);
    for (uint32_t seq = 1; seq <= 11; seq++)
        assert_int_equal(answered(&from, seq), seq % 3 != 0);
    buf_clear(&out);
    add_text(&out, 12, STR("def g(): return 1\n"));
    put(to, buf_view(&out));
    assert_true(answered(&from, 12));
    assert_int_equal(end_linter(pid, to, &from), 0);
    buf_free(&out);
}

/* It is struck in a large text, behind two answers that it holds back then: they come first, and then its
 * answer for the large one. Should the blow fall earlier it answers fewer, in order, and says by its exit
 * status whether it was at a text. (The large one is too much for the grammar in any case.) */
static void test_linter_struck(void **state)
{
    enum { LARGE = 7 };
    const struct timespec moment = {.tv_nsec = 2000000};
    int to, status;
    struct frames from;
    struct buf out = {0}, large = {0};
    struct wire_header head;
    struct str payload;
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* on a signal the sanitizer asks for more than the linter may */
#endif
    if (!getenv("ASSAY_BUILD"))
        skip();
    while (large.len < LINT_TEXT_BYTES_MAX)
        buf_puts(&large, "x = [1, 2]\n");
    pid_t pid = start_linter(&to, &from);
    for (uint32_t seq = 1; seq <= LARGE; seq++)
        add_text(&out, seq, seq < LARGE ? STR("def f(x):\n    return x\n") : buf_view(&large));
    put(to, buf_view(&out));
    assert_hello(&from);
    for (uint32_t seq = 1; seq <= 4; seq++)
        assert_true(answered(&from, seq));
    nanosleep(&moment, NULL);
    assert_int_equal(kill(pid, SIGSEGV), 0);
    uint32_t seq = 4;
    bool parses = true;
    while (frames_next(&from, &head, &payload) > 0) {
        assert_true(parses);
        assert_int_equal(head.seq, ++seq);
        parses = !memmem(payload.s, payload.len, "\"parses\":false", 14);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
    assert_true(WEXITSTATUS(status) == 1 || !parses);
    close(to);
    close(from.fd);
    frames_free(&from);
    buf_free(&out);
    buf_free(&large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_several_in_one_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_frame_in_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_finds_what_came_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refuses_what_is_no_frame, setup, teardown),
        cmocka_unit_test(test_linter_answers_in_order),
        cmocka_unit_test(test_linter_struck),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
