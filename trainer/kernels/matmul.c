/* matmul.c: the one door to BLAS.
 *
 * OpenBLAS chooses its kernels by processor model when it is loaded. A model newer than the
 * library it takes for one without AVX, which is four times slower, and it can be told better
 * only by the environment and only before it is loaded. So a program that links this file looks
 * once, before main(), at which kernels were chosen; if the processor has AVX2 or AVX-512 and
 * they do not use it, it sets OPENBLAS_CORETYPE and starts itself again. Whoever has set that
 * variable is left alone.
 *
 * Before that it makes sure that the processor has what the program was built for, and says so if
 * not, in place of dying of an illegal instruction. */
#include "trainer/kernels/kernels.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

#ifdef __AVX512F__
#define BUILT_FOR "AVX-512"
#define HAS_WHAT_IT_WAS_BUILT_FOR                                                                  \
    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")
#elif defined __AVX2__
#define BUILT_FOR                 "AVX2"
#define HAS_WHAT_IT_WAS_BUILT_FOR __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
#endif

static const char *wanted_kernels(void)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw"))
        return "SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return "Haswell";
#endif
    return NULL;
}

/* Before anything else of the program, which may be compiled to instructions that are not there. */
__attribute__((constructor(101))) static void check_processor(void)
{
#if defined __AVX512F__ || defined __AVX2__
    static const char text[] =
        "assay: this trainer was built for processors with " BUILT_FOR
        "; on this one build it with make MARCH=x86-64-v3, or MARCH=native\n";
    __builtin_cpu_init();
    if (!(HAS_WHAT_IT_WAS_BUILT_FOR))
        _exit(write(STDERR_FILENO, text, sizeof text - 1) > 0 ? 2 : 3);
#endif
}

__attribute__((constructor)) static void settle_blas(int argc, char **argv)
{
    static const char *const good[] = {"Haswell", "Zen", "SkylakeX", "Cooperlake",
                                       "Sapphirerapids"};
    const char *chosen = openblas_get_corename(), *wanted = wanted_kernels();
    char self[4096] = "";
    for (size_t i = 0; i < COUNT_OF(good); i++)
        if (strcasecmp(chosen, good[i]) == 0)
            return;
    if (argc < 1 || !wanted || getenv("OPENBLAS_CORETYPE") ||
        readlink("/proc/self/exe", self, sizeof self - 1) <= 0)
        return;
    if (setenv("OPENBLAS_CORETYPE", wanted, 0) == 0)
        execv(self, argv); /* where that fails the program goes on, slower */
}

void nn_matmul(int m, int out, int in, const float *x, const float *w, float beta, float *y)
{
    if (m > 0)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, out, in, 1, x, in, w, in, beta, y,
                    out);
}

void nn_matmul_dx(int m, int out, int in, const float *dy, const float *w, float beta, float *dx)
{
    if (m > 0)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, in, out, 1, dy, out, w, in, beta,
                    dx, in);
}

void nn_matmul_dw(int m, int out, int in, const float *dy, const float *x, float *dw)
{
    if (m > 0)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, out, in, m, 1, dy, out, x, in, 1, dw,
                    in);
}

void nn_slice_matmul(int m, int out, int in, float scale, const float *x, const float *w, float *y,
                     int stride)
{
    if (m > 0)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, out, in, scale, x, in, w, in, 1, y,
                    stride);
}

void nn_slice_matmul_dx(int m, int out, int in, float scale, const float *dy, int stride,
                        const float *w, float beta, float *dx)
{
    if (m > 0)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, in, out, scale, dy, stride, w, in,
                    beta, dx, in);
}

void nn_slice_matmul_dw(int m, int out, int in, float scale, const float *dy, int stride,
                        const float *x, float *dw)
{
    if (m > 0)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, out, in, m, scale, dy, stride, x, in,
                    1, dw, in);
}
