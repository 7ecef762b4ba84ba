/* The floor of what a verdict can cost: a template as the keeper is one, without any jail, forks for
 * each program, which is compiled and run with its test in the child, and reaps it. No judge, no
 * lint, no socket.
 *
 *   bench_fork COPIES < programs      each program: its length (u32, little-endian), its text
 *
 * prints one CSV line: programs run, programs that ended well, seconds of wall, seconds of CPU of
 * both processes. Start-up is not in it. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "sandbox/guest.h"
#include "sandbox/interpreter.h"
#include "sandbox/layout.h"

enum { PROGRAMS_MAX = 4096, PROGRAM_BYTES_MAX = 1 << 20 };

static char *programs[PROGRAMS_MAX];
static int n_programs;

static void read_programs(void)
{
    uint32_t len;
    while (n_programs < PROGRAMS_MAX && fread(&len, sizeof len, 1, stdin) == 1) {
        CHECK(len <= PROGRAM_BYTES_MAX);
        char *text = xcalloc(len + 1u, 1);
        CHECK(fread(text, 1, len, stdin) == len);
        programs[n_programs++] = text;
    }
}

static _Noreturn void be_child(const char *program)
{
    PyOS_AfterFork_Child();
    PyObject *globals = PyDict_New(), *name = PyUnicode_FromString("p"), *done = NULL;
    if (globals && name && PyDict_SetItemString(globals, "__name__", name) == 0 &&
        PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins()) == 0)
        done = PyRun_String(program, Py_file_input, globals, globals);
    _exit(done ? 0 : 1);
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    const struct interpreter_options none = {0};
    struct err err = {0};
    const int copies = argc == 2 ? (int)strtol(argv[1], NULL, 10) : 0;
    int passed = 0;
    if (copies < 1) {
        fprintf(stderr, "usage: bench_fork COPIES < programs\n");
        return 2;
    }
    read_programs();
    sbx__layout_begin();
    if (interpreter_start(&none, &err) < 0 || guest_prepare() != 0) {
        fprintf(stderr, "bench_fork: %s\n", err.text);
        return 1;
    }
    malloc_trim(0);
    sbx__layout_end();
    const int64_t wall = wall_ns(), cpu = cpu_ns();
    for (int i = 0; i < n_programs * copies; i++) {
        int status = 1;
        PyOS_BeforeFork();
        pid_t pid = fork();
        if (pid == 0)
            be_child(programs[i % n_programs]);
        PyOS_AfterFork_Parent();
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
        passed += status == 0;
    }
    struct rusage children;
    getrusage(RUSAGE_CHILDREN, &children);
    printf("%d,%d,%.6f,%.6f\n", n_programs * copies, passed, (double)(wall_ns() - wall) / 1e9,
           (double)(cpu_ns() - cpu) / 1e9 + seconds(children.ru_utime) +
               seconds(children.ru_stime));
    return 0;
}
