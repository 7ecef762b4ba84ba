/* keeper.h: the trusted template process that forks guests; see keeper.c for its theory. */
#ifndef ASSAY_SANDBOX_KEEPER_H
#define ASSAY_SANDBOX_KEEPER_H

#include "base/err.h"

/* Builds the slot and serves the judge on descriptor `fd` until it hangs up. 0, or a negative
 * errno. Where a pid namespace was had, the calling process only waits for the one that serves. */
int keeper_run(int fd, struct err *err);

#endif
