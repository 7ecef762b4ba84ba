/* sandbox_harness.h: a judge in miniature for tests: starts the real assay-keeper, drives real
 * guests, and shows every answer as a short text ("[1, 2]", "raises KeyError('x')", "missing",
 * "end of stream") so that a test is one line. */
#ifndef TESTS_SANDBOX_HARNESS_H
#define TESTS_SANDBOX_HARNESS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "sandbox.h"
#include "sandbox/interpreter.h"
#include "value.h"
#include "wire.h"

enum { TEST_TIMEOUT_MS = 20000 };

struct slot {
    pid_t pid;
    int fd;
    uint32_t isolation;
};

struct run {
    struct slot *slot;
    int socket, in, out, err;
    uint32_t seq, isolation;
};

struct answer {
    struct wire_header head;
    struct buf payload;
};

#define LIMITS_OF_TESTS                                                                            \
    .cpu_us = 2000000, .wall_us = 10000000, .memory_kib = 256 << 10, .file_kib = 16 << 10,         \
    .threads = 16

static inline void start_python(void)
{
    struct err err = {0};
    struct interpreter_options none = {0};
    if (!Py_IsInitialized() && interpreter_start(&none, &err) < 0)
        fail_msg("%s", err.text);
}

/* ---- the keeper ------------------------------------------------------------------------------ */

static inline bool wait_for(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};
    int rc;
    while ((rc = poll(&p, 1, TEST_TIMEOUT_MS)) < 0 && errno == EINTR)
        ;
    return rc == 1;
}

/* What else happens to the process that becomes the keeper, and the keeper's file if it is not
 * the build's. */
static void (*slot_prepare)(void);
static const char *slot_program;

static inline const char *build_folder(void)
{
    const char *build = getenv("ASSAY_BUILD");
    return build ? build : "build/release";
}

/* From here on slots are started from a copy of the keeper that any user can read: the build may
 * lie in a folder that only this one can enter. The copy's end puts the build's back. */
static char slot_copied[64];

static inline void slot_copy(void)
{
    char command[PATH_MAX + 128], folder[] = "/tmp/assay-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    snprintf(slot_copied, sizeof slot_copied, "%s/assay-keeper", folder);
    snprintf(command, sizeof command, "cp '%s/assay-keeper' %s && chmod -R a+rX %s", build_folder(),
             slot_copied, folder);
    assert_int_equal(system(command), 0);
    slot_program = slot_copied;
}

static inline void slot_copy_end(void)
{
    slot_program = NULL;
    unlink(slot_copied);
    *strrchr(slot_copied, '/') = '\0';
    rmdir(slot_copied);
}

/* `without`: as ASSAY_SANDBOX_WITHOUT, or NULL. */
static inline struct slot slot_start(const char *without)
{
    char name[512], path[PATH_MAX];
    int pair[2];
    struct slot slot = {0};
    struct keeper_hello hello;
    snprintf(name, sizeof name, "%s/assay-keeper", build_folder());
    assert_non_null(realpath(slot_program ? slot_program : name, path));
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    slot.pid = fork();
    if (slot.pid == 0) {
        setenv("ASSAY_TEST_SECRET", "not for guests", 1);
        if (without)
            setenv("ASSAY_SANDBOX_WITHOUT", without, 1);
        if (pair[1] == 3)
            fcntl(3, F_SETFD, 0);
        else
            dup2(pair[1], 3);
        if (slot_prepare)
            slot_prepare();
        execl(path, path, (char *)NULL);
        _exit(127);
    }
    close(pair[1]);
    slot.fd = pair[0];
    assert_true(wait_for(slot.fd));
    assert_int_equal(recv(slot.fd, &hello, sizeof hello, 0), sizeof hello);
    assert_int_equal(hello.head.kind, KEEPER_HELLO);
    assert_int_equal(hello.isolation & SBX_FLOOR, SBX_FLOOR);
    slot.isolation = hello.isolation;
    return slot;
}

static inline void slot_stop(struct slot *slot)
{
    int status;
    close(slot->fd);
    assert_int_equal(waitpid(slot->pid, &status, 0), slot->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static inline void slot_send(const struct slot *slot, uint32_t kind, uint32_t seq)
{
    struct keeper_head head = {kind, seq};
    assert_int_equal(send(slot->fd, &head, sizeof head, MSG_NOSIGNAL), sizeof head);
}

/* FORK, and the descriptors that come with FORKED. */
static inline struct run run_fork(struct slot *slot, struct keeper_fork order)
{
    static uint32_t seq;
    struct run run = {.slot = slot, .socket = -1, .in = -1, .out = -1, .err = -1, .seq = 100};
    struct keeper_forked m;
    union {
        char bytes[CMSG_SPACE(4 * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {&m, sizeof m};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof control};
    order.head = (struct keeper_head){KEEPER_FORK, ++seq};
    assert_int_equal(send(slot->fd, &order, sizeof order, MSG_NOSIGNAL), sizeof order);
    assert_true(wait_for(slot->fd));
    assert_int_equal(recvmsg(slot->fd, &msg, MSG_CMSG_CLOEXEC), sizeof m);
    assert_int_equal(m.head.kind, KEEPER_FORKED);
    assert_int_equal(m.head.seq, seq);
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    assert_non_null(c);
    int fds[4] = {-1, -1, -1, -1};
    assert_int_equal(c->cmsg_len, CMSG_LEN((order.stdio ? 4 : 2) * sizeof(int)));
    memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
    run.socket = fds[0];
    run.in = order.stdio ? fds[1] : -1;
    run.out = order.stdio ? fds[2] : fds[1];
    run.err = fds[3];
    run.isolation = m.isolation;
    return run;
}

static inline struct keeper_exited run_exited(struct run *run)
{
    struct keeper_exited m;
    assert_true(wait_for(run->slot->fd));
    assert_int_equal(recv(run->slot->fd, &m, sizeof m, 0), sizeof m);
    assert_int_equal(m.head.kind, KEEPER_EXITED);
    const int fds[] = {run->socket, run->in, run->out, run->err};
    for (int i = 0; i < 4; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    return m;
}

static inline struct keeper_exited run_end(struct run *run)
{
    slot_send(run->slot, KEEPER_KILL, 0);
    return run_exited(run);
}

/* ---- the guest's socket ---------------------------------------------------------------------- */

static inline bool read_all(int fd, void *to, size_t n)
{
    for (char *at = to; n;) {
        ssize_t got = wait_for(fd) ? read(fd, at, n) : 0;
        if (got <= 0)
            return false;
        at += got;
        n -= (size_t)got;
    }
    return true;
}

static inline bool run_read(struct run *run, struct answer *a)
{
    *a = (struct answer){0};
    if (!read_all(run->socket, &a->head, sizeof a->head))
        return false;
    assert_true(a->head.len <= WIRE_GUEST_BYTES_MAX);
    buf_reserve(&a->payload, a->head.len);
    a->payload.len = a->head.len;
    return read_all(run->socket, a->payload.s, a->head.len);
}

static inline void run_write(struct run *run, uint8_t type, uint32_t seq, const struct buf *payload)
{
    struct wire_header head = {
        .len = (uint32_t)payload->len, .version = WIRE_VERSION, .type = type, .seq = seq};
    struct buf frame = {0};
    buf_add(&frame, &head, sizeof head);
    buf_str(&frame, buf_view(payload));
    for (size_t at = 0; at < frame.len;) {
        ssize_t n = send(run->socket, frame.s + at, frame.len - at, MSG_NOSIGNAL);
        if (n <= 0)
            break; /* a guest that is gone shows in the answer */
        at += (size_t)n;
    }
    buf_free(&frame);
}

/* ---- values: a handle shows as <handle N> ---------------------------------------------------- */

struct foreign {
    PyObject base;
    uint8_t tag;
    uint32_t number;
};

static inline PyObject *foreign_repr(PyObject *self)
{
    const struct foreign *f = (const struct foreign *)self;
    return PyUnicode_FromFormat("<%s %u>", f->tag == VALUE_HANDLE ? "handle" : "callable",
                                f->number);
}

static PyTypeObject foreign_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "foreign",
    .tp_basicsize = sizeof(struct foreign),
    .tp_repr = foreign_repr,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};

static inline PyObject *foreign_decode(void *ctx, const struct value_foreign *what)
{
    (void)ctx;
    if (PyType_Ready(&foreign_type) != 0)
        return NULL;
    struct foreign *f = PyObject_New(struct foreign, &foreign_type);
    if (f) {
        f->tag = what->tag;
        f->number = what->number;
    }
    return (PyObject *)f;
}

static inline PyObject *foreign_class(void *ctx, PyObject *theirs, PyObject *module, PyObject *name,
                                      PyObject *bases)
{
    (void)ctx, (void)theirs, (void)module;
    return PyObject_CallFunction((PyObject *)&PyType_Type, "OO{}", name, bases);
}

static const struct value_hook foreign_hook = {
    .decode = foreign_decode, .exception_class = foreign_class, .is_judge = true};

static inline void put_u32(struct buf *out, uint32_t x)
{
    buf_add(out, &x, sizeof x);
}

static inline void put_name(struct buf *out, const char *name)
{
    put_u32(out, (uint32_t)strlen(name));
    buf_puts(out, name);
}

/* The value of a Python expression. */
static inline PyObject *python(const char *expression)
{
    PyObject *globals = PyDict_New();
    PyObject *value = PyRun_String(expression, Py_eval_input, globals, globals);
    if (!value) {
        PyErr_Print();
        fail_msg("%s", expression);
    }
    Py_DECREF(globals);
    return value;
}

static inline void put_python(struct buf *out, const char *expression)
{
    PyObject *value = python(expression);
    assert_int_equal(value_encode(value, NULL, WIRE_GUEST_BYTES_MAX, out), 0);
    Py_DECREF(value);
}

/* repr of the next value of a payload, cut to `n`. */
static inline void show_value(const uint8_t **at, const uint8_t *end, char *to, size_t n)
{
    int code = 0;
    PyObject *value = value_decode(at, end, &foreign_hook, &code);
    if (!value) {
        snprintf(to, n, "<bad bytes %d>", code);
        return;
    }
    PyObject *text = PyObject_Repr(value), *bytes = NULL;
    if (text)
        bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
    snprintf(to, n, "%s", bytes ? PyBytes_AS_STRING(bytes) : "<no repr>");
    PyErr_Clear();
    Py_XDECREF(bytes);
    Py_XDECREF(text);
    Py_DECREF(value);
}

static inline const char *take_name(const uint8_t **at, const uint8_t *end, char *to, size_t n)
{
    uint32_t len = 0;
    assert_true(end - *at >= 4);
    memcpy(&len, *at, 4);
    *at += 4;
    assert_true((size_t)(end - *at) >= len);
    snprintf(to, n, "%.*s", (int)len, (const char *)*at);
    *at += len;
    return to;
}

/* An answer as text; valid until the next call. */
static inline const char *show(struct answer *a)
{
    static char text[4096];
    char one[1024];
    const uint8_t *at = (const uint8_t *)a->payload.s, *end = at + a->payload.len;
    switch (a->head.type) {
    case GUEST_VALUE:
        show_value(&at, end, text, sizeof text);
        break;
    case GUEST_RAISED:
        snprintf(text, sizeof text, "raises ");
        show_value(&at, end, text + strlen(text), sizeof text - 8);
        break;
    case GUEST_MISSING:
        return "missing";
    case GUEST_REFUSED:
        snprintf(text, sizeof text, "refused %s", take_name(&at, end, one, sizeof one));
        break;
    default:
        snprintf(text, sizeof text, "type %d", a->head.type);
    }
    return text;
}

/* One question and its answer as text. Frees the payload. */
static inline const char *run_ask(struct run *run, uint8_t type, struct buf *payload)
{
    struct answer a;
    run_write(run, type, ++run->seq, payload);
    buf_free(payload);
    if (!run_read(run, &a)) {
        buf_free(&a.payload);
        return "end of stream";
    }
    assert_int_equal(a.head.seq, run->seq);
    const char *text = show(&a);
    buf_free(&a.payload);
    return text;
}

/* Forks and reads READY. A guest whose time is over before, on a busy host, has a successor. */
static inline struct run run_start(struct slot *slot, struct keeper_fork order)
{
    struct answer a;
    struct run run = run_fork(slot, order);
    while (!run_read(&run, &a)) {
        buf_free(&a.payload);
        assert_int_equal(run_exited(&run).cause, KEEPER_BY_WALL);
        run = run_fork(slot, order);
    }
    assert_int_equal(a.head.type, GUEST_READY);
    assert_int_equal(a.payload.len, sizeof run.isolation);
    memcpy(&run.isolation, a.payload.s, sizeof run.isolation);
    assert_int_equal(run.isolation, slot->isolation);
    buf_free(&a.payload);
    return run;
}

static inline const char *run_load(struct run *run, const char *program, uint8_t flags)
{
    struct buf p = {0};
    buf_char(&p, (char)flags);
    buf_puts(&p, program);
    return run_ask(run, GUEST_LOAD, &p);
}

/* The handle of a global. */
static inline uint32_t run_global(struct run *run, const char *name)
{
    struct buf p = {0};
    unsigned number = 0;
    put_name(&p, name);
    const char *text = run_ask(run, GUEST_GLOBAL, &p);
    if (sscanf(text, "<handle %u>", &number) != 1)
        fail_msg("%s is %s", name, text);
    return number;
}

/* What a call carries after the handle: no wants, arguments and keywords as Python source. */
static inline void put_call(struct buf *p, const char *args, const char *kwargs)
{
    char pair[8192];
    snprintf(pair, sizeof pair, "(%s, %s)", args, kwargs);
    buf_char(p, 0);
    put_python(p, pair);
}

/* Calls a global with a tuple given as Python source. */
static inline const char *run_call(struct run *run, const char *name, const char *args)
{
    struct buf p = {0};
    put_u32(&p, run_global(run, name));
    put_call(&p, args, "{}");
    return run_ask(run, GUEST_CALL, &p);
}

/* A whole life: load a program and say how that went. */
static inline const char *run_once(struct slot *slot, const char *program,
                                   struct keeper_exited *ret_exited)
{
    struct run run = run_start(slot, (struct keeper_fork){LIMITS_OF_TESTS});
    const char *text = run_load(&run, program, 0);
    struct keeper_exited exited = run_end(&run);
    if (ret_exited)
        *ret_exited = exited;
    return text;
}

#endif
