/* blas_core.h: OpenBLAS picks its kernels by the CPU's model number, when it is loaded. A model
 * newer than the library gets kernels of 2004, six times slower than what the CPU can do. */
#ifndef ASSAY_BLAS_CORE_H
#define ASSAY_BLAS_CORE_H

/* Call first in main. If OpenBLAS did not recognise a CPU that has AVX2 or AVX-512, starts this
 * program again with OPENBLAS_CORETYPE naming kernels for them. Does nothing when the user has
 * set that variable. */
void blas_core_choose(char **argv);

#endif
