/* world.c: one process. */
#include "trainer/rl/world.h"

#include <stdlib.h>

int world_start(struct err *err)
{
    static const char *const launchers[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"};
    for (size_t i = 0; i < COUNT_OF(launchers); i++) {
        const char *n = getenv(launchers[i]);
        if (n && strtol(n, NULL, 10) > 1)
            return err_set(err, -ENOTSUP,
                           "started as one of %s processes, but this build trains in one: make "
                           "MPI=1 makes one that does not",
                           n);
    }
    return 0;
}

void world_end(int rc)
{
    (void)rc;
}

int world_rank(void)
{
    return 0;
}

int world_size(void)
{
    return 1;
}

int world_cores(void)
{
    return 0;
}

void world_sum(float *x, size_t n)
{
    (void)x, (void)n;
}

void world_gather(const void *mine, size_t bytes, void *ret_all)
{
    memcpy(ret_all, mine, bytes);
}

void world_gather_bytes(struct str mine, struct buf *ret_all, size_t *ret_bytes)
{
    buf_str(ret_all, mine);
    *ret_bytes = mine.len;
}

int world_agree(int rc, struct err *err)
{
    (void)err;
    return rc;
}

bool world_agreed(void)
{
    return false;
}
