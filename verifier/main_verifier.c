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

/* What the starter may have left: closed streams, whose numbers the first files opened would take,
 * and signals that are blocked. */
static void settle(void)
{
    sigset_t none;
    int fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2)
        fd = open("/dev/null", O_RDWR);
    if (fd > 2)
        close(fd);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_IGN);
    sbx_cgroup_host();
}

int main(int argc, char **argv)
{
    argp_err_exit_status = EXIT_BAD_INPUT;
    settle();
    for (size_t i = 0; argc > 1 && i < COUNT_OF(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            char called[32];
            snprintf(called, sizeof called, "%s", commands[i].called);
            argv[1] = called;
            return commands[i].run(argc - 1, argv + 1);
        }
    fprintf(stderr, "usage: assay-verifier grade|check|lint|run|serve|doctor [--help]\n");
    return EXIT_BAD_INPUT;
}
