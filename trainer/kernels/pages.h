/* pages.h: large blocks of memory that outlive their use, since the kernel clears each page that is mapped anew,
 * which costs a sampler of short completions a tenth of its time. Any thread may call. */
#ifndef ASSAY_PAGES_H
#define ASSAY_PAGES_H

#include <stddef.h>

/* At least `bytes`, page-aligned, on huge pages where the kernel has them. Holds whatever its last user left; pages that
 * nobody has used are zero and take no memory. Give it back with the same size. */
void *pages_take(size_t bytes);
void pages_give(void *block, size_t bytes);

/* n floats that are zero, on huge pages where they would fill one; NULL: no memory. For free(). A pass over many arrays
 * of ordinary pages spends a good part of its time on finding out where they are, above all in a virtual machine. */
float *pages_zeroed(size_t n);

#endif
