/* world_mpi.c: the ranks of an MPI job (mpirun, srun).
 *
 * MPI's own reductions may add in any order, so sums are made here: each rank gets one block of
 * everybody's numbers, adds it in the order of ranks, and gives the result to all. That moves as many
 * bytes as a ring does, and the bits depend on the number of ranks alone. MPI is called from the main
 * thread only; its errors end the job, which is its default. */
#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "trainer/rl/world.h"

enum { BLOCK_FLOATS_MAX = 1 << 18, MESSAGE_BYTES = 400 };

static int rank, size = 1, neighbours = 1;
static bool agreed; /* on an error */

int world_start(struct err *err)
{
    int level;
    MPI_Comm here;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS ||
        level < MPI_THREAD_FUNNELED)
        return err_set(err, -ENOTSUP, "this MPI cannot be used by a program with threads");
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &here);
    MPI_Comm_size(here, &neighbours);
    MPI_Comm_free(&here);
    return 0;
}

void world_end(int rc)
{
    int started;
    MPI_Initialized(&started);
    if (!started)
        return;
    if (rc < 0 && !agreed)
        MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Finalize();
}

int world_rank(void)
{
    return rank;
}

int world_size(void)
{
    return size;
}

int world_cores(void)
{
    cpu_set_t set;
    const int online = (int)sysconf(_SC_NPROCESSORS_ONLN),
              usable = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1,
              cores = usable < online ? usable : usable / neighbours;
    return cores > 0 ? cores : 1;
}

/* n <= size * BLOCK_FLOATS_MAX; both buffers hold size * block floats. */
static void sum_chunk(float *x, size_t n, float *mine, float *theirs)
{
    const size_t ranks = (size_t)size, block = (n + ranks - 1) / ranks;
    memset(mine, 0, ranks * block * sizeof *mine);
    memcpy(mine, x, n * sizeof *x);
    MPI_Alltoall(mine, (int)block, MPI_FLOAT, theirs, (int)block, MPI_FLOAT, MPI_COMM_WORLD);
    for (size_t r = 1; r < ranks; r++)
        for (size_t i = 0; i < block; i++)
            theirs[i] += theirs[r * block + i];
    MPI_Allgather(theirs, (int)block, MPI_FLOAT, mine, (int)block, MPI_FLOAT, MPI_COMM_WORLD);
    memcpy(x, mine, n * sizeof *x);
}

void world_sum(float *x, size_t n)
{
    const size_t most = (size_t)size * BLOCK_FLOATS_MAX,
                 room = n + (size_t)size < most ? n + (size_t)size : most;
    float *buffer = xcalloc(2 * room, sizeof *buffer);
    for (size_t at = 0; size > 1 && at < n; at += most)
        sum_chunk(x + at, n - at < most ? n - at : most, buffer, buffer + room);
    free(buffer);
}

void world_gather(const void *mine, size_t bytes, void *ret_all)
{
    CHECK(bytes < INT32_MAX);
    if (size == 1) /* also in a program that never started MPI */
        memcpy(ret_all, mine, bytes);
    else
        MPI_Allgather(mine, (int)bytes, MPI_BYTE, ret_all, (int)bytes, MPI_BYTE, MPI_COMM_WORLD);
}

/* A rank's bytes at a time: the counts of MPI are ints, and all of them together may be more. */
void world_gather_bytes(struct str mine, struct buf *ret_all, size_t *ret_bytes)
{
    CHECK(mine.len < INT32_MAX);
    world_gather(&mine.len, sizeof mine.len, ret_bytes);
    for (int r = 0; r < size; r++) {
        const size_t n = ret_bytes[r];
        buf_reserve(ret_all, n);
        if (r == rank && n)
            memcpy(ret_all->s + ret_all->len, mine.s, n);
        if (size > 1)
            MPI_Bcast(ret_all->s + ret_all->len, (int)n, MPI_BYTE, r, MPI_COMM_WORLD);
        ret_all->len += n;
        ret_all->s[ret_all->len] = 0;
    }
}

int world_agree(int rc, struct err *err)
{
    struct report {
        int rc;
        char text[MESSAGE_BYTES];
    } mine = {.rc = rc};
    if (rc < 0 && err)
        snprintf(mine.text, sizeof mine.text, "%.*s", MESSAGE_BYTES - 1, err->text);
    struct report *all = xcalloc((size_t)size, sizeof *all);
    world_gather(&mine, sizeof mine, all);
    int first = 0;
    while (first < size && all[first].rc == 0)
        first++;
    const int found = first < size ? all[first].rc : 0;
    if (found < 0) {
        agreed = true;
        if (first != rank)
            err_set(err, found, "rank %d: %s", first, all[first].text);
    }
    free(all);
    return found;
}

bool world_agreed(void)
{
    return agreed;
}
