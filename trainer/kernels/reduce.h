/* reduce.h: sums over worker gradients, the same bits whatever the number of threads that add. */
#ifndef ASSAY_REDUCE_H
#define ASSAY_REDUCE_H

#include <stddef.h>

struct team;

/* parts[0][i] += parts[1][i] + parts[2][i] + ..., in that order, for i < n. The other parts are
 * left as they are. */
void grads_reduce(float *const *parts, int n_parts, size_t n, struct team *team);

#endif
