#include "trainer/blas_core.h"

#include <cblas.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

/* Kernels that use AVX2 or more: detection worked, or came close enough. */
static bool is_modern(const char *core)
{
    static const char *const modern[] = {"Haswell", "Zen", "SkylakeX", "Cooperlake",
                                         "Sapphirerapids"};
    for (size_t i = 0; i < COUNT_OF(modern); i++)
        if (strcasecmp(core, modern[i]) == 0)
            return true;
    return false;
}

void blas_core_choose(char **argv)
{
#if defined(__x86_64__)
    if (getenv("OPENBLAS_CORETYPE") || is_modern(openblas_get_corename()))
        return;
    bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (avx512 || avx2) {
        setenv("OPENBLAS_CORETYPE", avx512 ? "SkylakeX" : "Haswell", 1);
        execv("/proc/self/exe", argv); /* where that fails, the slow kernels are still right */
    }
#else
    (void)argv;
#endif
}
