/* main_keeper.c: assay-keeper, started by the verifier with descriptor 3 connected to its judge. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "sandbox/confine.h"
#include "sandbox/keeper.h"
#include "wire.h"

/* Whoever started the verifier may have left anything: closed streams, ignored or blocked signals,
 * a mask, a folder that is gone, tight limits, a terminal that will go away. Nothing of it reaches
 * a guest. */
static int forget_starter(struct err *err)
{
    sigset_t none;
    /* Descriptors 0 to 2 must exist, or the first file opened would take their place. */
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= 2)
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd > 2)
        close(fd);
    for (int number = 1; number < NSIG; number++)
        if (number != SIGKILL && number != SIGSTOP)
            signal(number, SIG_DFL); /* the C library keeps two for itself and says so */
    signal(SIGPIPE, SIG_IGN); /* as Python's own start does: a closed stream is an exception */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(022);
    setsid(); /* fails where it leads one already */
    if (chdir("/") != 0)
        return err_set(err, -errno, "chdir: %s", strerror(errno));
    return sbx__limits_restore(err);
}

int main(int argc, char **argv)
{
    struct err err = {0};
    (void)argv;
    if (argc != 1) {
        fprintf(stderr, "usage: assay-keeper    (started by assay-verifier, with a seqpacket "
                        "socket on descriptor 3)\n");
        return 2;
    }
    if (forget_starter(&err) < 0 || keeper_run(KEEPER_JUDGE_FD, &err) < 0) {
        LOG_ERROR("keeper: %s", err.text);
        return 1;
    }
    return 0;
}
