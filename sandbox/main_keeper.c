/* main_keeper.c: assay-keeper, started by the verifier with descriptor 3 connected to its judge. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "sandbox/keeper.h"
#include "wire.h"

int main(int argc, char **argv)
{
    struct err err = {0};
    (void)argv;
    if (argc != 1) {
        fprintf(stderr, "usage: assay-keeper    (started by assay-verifier, with a seqpacket "
                        "socket on descriptor 3)\n");
        return 2;
    }
    /* Descriptors 0 to 2 must exist, or the first file opened would take their place. */
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= 2)
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd > 2)
        close(fd);
    if (keeper_run(KEEPER_JUDGE_FD, &err) < 0) {
        LOG_ERROR("keeper: %s", err.text);
        return 1;
    }
    return 0;
}
