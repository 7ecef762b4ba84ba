/* world.h: the processes ("ranks") that train one model together, each on its own cores, as if all
 * their workers were one team.
 *
 * Every rank has the whole model, optimiser and batch. Sampling, grading and the passes of an update
 * are dealt out over all workers of all ranks by index; completions and gradients are exchanged, and
 * every rank then makes the same decisions and the same update from the same bits. With one worker a
 * rank, R ranks give the bits of one process with R workers; with more, partial sums are added in
 * another order. Rank 0 alone writes.
 *
 * Two forms: world.c, one process, in which nothing is exchanged; trainer/mpi/world_mpi.c, which is
 * linked in its place into assay-trainer-mpi. All functions but rank and size are collective: every
 * rank calls them in the same order, from its main thread. */
#ifndef ASSAY_RL_WORLD_H
#define ASSAY_RL_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/* Once, before anything else here. -ENOTSUP: a launcher started several processes of a build that
 * cannot train together. */
int world_start(struct err *err);
/* Once, at the end. After an error that world_agree did not give, the other ranks are ended too:
 * they would wait for this one. */
void world_end(int rc);

int world_rank(void);
int world_size(void);
/* Cores for this rank: those that it is bound to, or its share of the machine's. */
int world_cores(void);

/* x[i] becomes the sum of all ranks' x[i], added in the order of ranks: the same bits everywhere. */
void world_sum(float *x, size_t n);
/* ret_all[r * bytes ...]: the `bytes` bytes of rank r. */
void world_gather(const void *mine, size_t bytes, void *ret_all);
/* Appends the bytes of every rank in turn to *ret_all, also those of this one; ret_bytes[r]: how many
 * are rank r's. */
void world_gather_bytes(struct str mine, struct buf *ret_all, size_t *ret_bytes);
/* 0 when every rank's rc is 0, else the first that is not, on every rank, with that rank's message. */
int world_agree(int rc, struct err *err);
/* Whether world_agree gave an error, so that one rank may tell of it for all. */
bool world_agreed(void);

#endif
