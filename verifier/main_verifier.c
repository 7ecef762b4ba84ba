/* assay-verifier: everything about grading. `assay` calls it; see command_*.c for what each
 * subcommand does.
 *
 * One process, one libuv loop. It forks no foreign code itself: per slot it starts assay-judge and
 * assay-keeper, and assay-lint beside them, and speaks with them in frames (wire.h). */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "command.h"
#include "sandbox.h"

static const struct {
    const char *name, *called;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"grade", "assay grade", command_grade}, {"check", "assay check", command_check},
    {"lint", "assay lint", command_lint},    {"run", "assay run", command_run},
    {"serve", "assay serve", command_serve}, {"doctor", "assay doctor", command_doctor},
};

enum { FILES_MIN = 64 }; /* a keeper needs no fewer */

/* What the starter may have left: closed streams, whose numbers the first files opened would take,
 * signals that are blocked, and few files to open at a time. A file that may not grow, and a pipe
 * that nobody reads, are errors of writing and no reason to die. */
static int settle(struct err *err)
{
    sigset_t none;
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        if (files.rlim_max < FILES_MIN)
            return err_set(err, -EMFILE, "this process may open %llu files; raise ulimit -n to %d",
                           (unsigned long long)files.rlim_max, FILES_MIN);
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2)
        fd = open("/dev/null", O_RDWR);
    if (fd > 2)
        close(fd);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    sbx_cgroup_host();
    return 0;
}

/* What went to stdout may not have come to its end: a full disk, or nobody there to read it. */
static int all_written(int status)
{
    struct err err;
    if (status == EXIT_BAD_INPUT || (fflush(stdout) == 0 && !ferror(stdout)))
        return status;
    err_set(&err, -EIO, "stdout: not all of it could be written");
    command_error(&err);
    return EXIT_FAULT;
}

int main(int argc, char **argv)
{
    struct err err;
    argp_err_exit_status = EXIT_BAD_INPUT;
    if (settle(&err) < 0)
        return command_error(&err);
    for (size_t i = 0; argc > 1 && i < COUNT_OF(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            char called[32];
            snprintf(called, sizeof called, "%s", commands[i].called);
            argv[1] = called;
            return all_written(commands[i].run(argc - 1, argv + 1));
        }
    fprintf(stderr, "usage: assay-verifier grade|check|lint|run|serve|doctor [--help]\n");
    return EXIT_BAD_INPUT;
}
