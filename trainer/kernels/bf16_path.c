/* bf16_path.c: which kernel of bf16.c is used.
 *
 * AMX where processor and kernel offer it and a small product comes out right; else dot or fma,
 * which give the same bits, whichever wins a race of a fraction of a millisecond: there are
 * processors of both kinds. ASSAY_BF16 names one instead. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "trainer/kernels/bf16.h"
#include "trainer/kernels/kernels.h"

#ifdef __x86_64__
#include <cpuid.h>

enum { VECTOR_STATE = 0xe6, TILE_STATE = 0x60000, TILE_DATA = 18, REQUEST_PERMISSION = 0x1023 };

/* What the system saves of a thread's registers. */
static unsigned saved_state(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return 0;
    __asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return a;
}

static bool has_dot(void)
{
    unsigned a, b, c, d;
    return (saved_state() & VECTOR_STATE) == VECTOR_STATE &&
           __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1 << 5);
}

/* The instructions, the state, and the kernel's leave to use it. */
static bool has_amx(void)
{
    unsigned a, b, c, d;
    const unsigned bf16 = 1 << 22, tile = 1 << 24;
    return (saved_state() & TILE_STATE) == TILE_STATE && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           (d & bf16) && (d & tile) && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}
#else
static bool has_dot(void)
{
    return false;
}

static bool has_amx(void)
{
    return false;
}
#endif

static const struct bf16_kernel *const KERNELS[] = {&nn__bf16_fma, &nn__bf16_dot, &nn__bf16_amx,
                                                    &nn__bf16_amx_twin};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const struct bf16_kernel *chosen;
static const char *refused; /* why a better one, or the one asked for, is not */

/* One number, as bf16_round has it. */
static float rounded(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    const uint32_t size = u & 0x7fffffff;
    if (size > 0x7f800000)
        return x;
    u = size < 0x800000 ? u & 0x80000000 : (u + 0x7fff + (u >> 16 & 1)) & 0xffff0000;
    memcpy(&x, &u, sizeof x);
    return x;
}

void nn_bf16_naive(int m, int out, int in, const float *x, const float *w, float *y)
{
    for (int i = 0; i < m; i++)
        for (int o = 0; o < out; o++) {
            const float *a = x + (size_t)i * (size_t)in, *b = w + (size_t)o * (size_t)in;
            float sum = 0;
            for (int p = 0; p < in; p += 2) {
                if (p + 1 < in)
                    sum += rounded(a[p + 1]) * rounded(b[p + 1]);
                sum += rounded(a[p]) * rounded(b[p]);
            }
            y[(size_t)i * (size_t)out + (size_t)o] = sum;
        }
}

/* A product of odd sizes against the naive one, within what the order of the sums may change. */
static bool comes_out_right(const struct bf16_kernel *kernel)
{
    enum { M = 37, OUT = 70, IN = 77, PACKED = 96 * 96 / 2 };
    static float x[M * IN], w[OUT * IN], y[M * OUT], wanted[M * OUT], scratch[NN_BF16_SCRATCH];
    static uint32_t packed[PACKED];
    uint32_t seed = 1;
    for (int i = 0; i < M * IN; i++)
        x[i] = (float)(int32_t)(seed = seed * 1664525 + 1013904223) * 0x1p-31f;
    for (int i = 0; i < OUT * IN; i++)
        w[i] = (float)(int32_t)(seed = seed * 1664525 + 1013904223) * 0x1p-31f;
    CHECK(nn_bf16_packed_size(OUT, IN) <= PACKED);
    nn_bf16_pack(OUT, IN, w, packed);
    const struct bf16_product p = {M, OUT, IN, x, IN, 1, packed, y, false};
    nn__bf16_product(kernel, &p, scratch);
    nn_bf16_naive(M, OUT, IN, x, w, wanted);
    for (int i = 0; i < M * OUT; i++) {
        const float off = y[i] - wanted[i], bound = 1e-5f * IN;
        if (!(off < bound && off > -bound))
            return false;
    }
    return true;
}

/* Nanoseconds of one block, the best of a few. */
static int64_t best_time(const struct bf16_kernel *kernel)
{
    enum { ROWS = 48, INNER = 256, TRIES = 8 };
    static uint32_t a[ROWS * INNER], panel[INNER / 2 * BF16_COLUMNS];
    static float c[ROWS * BF16_COLUMNS];
    const struct bf16_block b = {ROWS, INNER, a, panel, c, BF16_COLUMNS, false};
    int64_t best = INT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        const int64_t begin = wall_ns();
        kernel->block(&b);
        const int64_t took = wall_ns() - begin;
        best = took < best ? took : best;
    }
    return best;
}

static void choose(void)
{
    const char *name = getenv("ASSAY_BF16");
    for (size_t i = 0; name && i < COUNT_OF(KERNELS); i++)
        if (strcmp(name, KERNELS[i]->name) == 0)
            chosen = KERNELS[i];
    if (chosen == &nn__bf16_amx && !has_amx())
        chosen = NULL;
    if (chosen)
        return;
    if (name)
        refused = "ASSAY_BF16 names no kernel that this processor has";
    if (has_amx()) {
        if (comes_out_right(&nn__bf16_amx)) {
            chosen = &nn__bf16_amx;
            return;
        }
        refused = "AMX gave a wrong product at start and is left alone";
    }
    chosen = &nn__bf16_fma;
    if (has_dot() && best_time(&nn__bf16_dot) < best_time(&nn__bf16_fma))
        chosen = &nn__bf16_dot;
}

const struct bf16_kernel *nn__bf16_kernel(void)
{
    pthread_once(&once, choose);
    return chosen;
}

bool nn_bf16_use(const char *name)
{
    pthread_once(&once, choose);
    for (size_t i = 0; i < COUNT_OF(KERNELS); i++)
        if (strcmp(name, KERNELS[i]->name) == 0) {
            chosen = KERNELS[i];
            return true;
        }
    return false;
}

const char *nn_bf16_name(void)
{
    return nn__bf16_kernel()->name;
}

const char *nn_bf16_what(const char **ret_refused)
{
    const char *what = nn__bf16_kernel()->what;
    if (ret_refused)
        *ret_refused = refused;
    return what;
}
