/* Any bytes as all that a judge ever writes: a guest, forked for each input and confined by nothing
 * but its limits, answers or ends in order. A question that loads a text ends it: random programs
 * are not what is tried here. */
#include "sandbox/guest.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "sandbox/interpreter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char program[] =
    "class C:\n    def __init__(self, *a): self.a = a\n    def __len__(self): return 3\n"
    "    def __getitem__(self, i): return self.a[i]\n    def __add__(self, o): return o\n"
    "def f(*a, **k):\n    for x in a:\n        if type(x) is list: x.append(a)\n    return a\n"
    "def g(n=3): yield from range(n)\no = C(1)\nclass E(ValueError): pass\ndef r(*a): raise "
    "E(*a)\n";

static _Noreturn void guest(int fd)
{
    struct guest *g = &guest__self;
    const struct rlimit cpu = {2, 2}, none = {0, 0};
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_FSIZE, &none);
    if (fd != GUEST_SOCKET_FD)
        dup2(fd, GUEST_SOCKET_FD);
    PyOS_AfterFork_Child();
    PyObject *loaded = guest_load(g, str_of(program));
    CHECK(loaded);
    guest_take_turn(g);
    for (;;) {
        struct guest_frame frame;
        guest_read(&frame);
        if (frame.head.type == GUEST_LOAD)
            _exit(0);
        guest_end_turn(g);
        guest_answer(g, &frame);
        guest_frame_free(&frame);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int pair[2], status;
    char sink[4096];
    if (!Py_IsInitialized()) {
        struct interpreter_options none = {0};
        CHECK(interpreter_start(&none, NULL) == 0 && guest_prepare() == 0);
    }
    if (size > 64 << 10)
        return 0;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        close(pair[0]);
        guest(pair[1]);
    }
    close(pair[1]);
    if (size > 0)
        (void)!send(pair[0], data, size, MSG_NOSIGNAL); /* it may be gone before the end */
    shutdown(pair[0], SHUT_WR);
    while (read(pair[0], sink, sizeof sink) > 0)
        ;
    close(pair[0]);
    pid_t ended;
    while ((ended = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    CHECK(ended == pid);
    CHECK(WIFEXITED(status) || WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL);
    return 0;
}
