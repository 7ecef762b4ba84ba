/* The products of one layer and of the head, one core: f32 by OpenBLAS and by packed.c, bf16 by
 * each kernel of bf16.c that this processor executes, and bf16 by oneDNN where it was there to
 * build against (apt-get install libdnnl-dev; nothing else uses it).
 *
 * usage: bench_gemm [ROWS [SECONDS]]      CSV lines shape,in,out,rows,what,GFLOP/s; the median of
 * repeats in turn
 *
 * `out` is the forward product with weights laid out before, as in a micro-batch (the other side
 * is rounded within the time), `dw` the gradient of the weights, both sides rounded and laid out
 * within the time. */
#include <cblas.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "trainer/kernels/kernels.h"

#if __has_include(<oneapi/dnnl/dnnl.h>)
#include <oneapi/dnnl/dnnl.h>
#define WITH_ONEDNN 1
#endif

enum { REPEATS = 5, WAYS_MAX = 12 };

/* One product: y[rows, out] = x[rows, in] @ w[out, in]^T, or dw[out, in] += y^T x. */
struct product {
    int rows, out, in;
    float *x, *w, *y, *dw, *packed, *scratch;
    uint32_t *packed16, *packed_x;
    void *peer;
};

typedef void (*way_fn)(struct product *p);

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void blas_out(struct product *p)
{
    nn_matmul(p->rows, p->out, p->in, p->x, p->w, 0, p->y);
}

static void packed_out(struct product *p)
{
    nn_packed_matmul(p->rows, p->out, p->in, p->x, p->packed, p->y);
}

static void bf16_out(struct product *p)
{
    nn_bf16_matmul(p->rows, p->out, p->in, p->x, p->packed16, false, p->y, p->scratch);
}

static void blas_dw(struct product *p)
{
    nn_matmul_dw(p->rows, p->out, p->in, p->y, p->x, p->dw);
}

static void bf16_dw(struct product *p)
{
    nn_bf16_pack_dx(p->rows, p->in, p->x, p->packed_x);
    nn_bf16_matmul_dw(p->rows, p->out, p->in, p->y, p->packed_x, p->dw, p->scratch);
}

/* ---- oneDNN ---------------------------------------------------------------------------------- */

#ifdef WITH_ONEDNN
#define DNNL(call) CHECK((call) == dnnl_success)

/* A matmul of bf16 by bf16 into f32, with the layouts that the library likes best; the sides are
 * f32 and reordered into them. The right one of `out`, the weights, is reordered beforehand. */
struct peer {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t matmul, round_left, round_right;
    dnnl_memory_t left, right, result, left16, right16;
    bool right_is_ready;
};

static dnnl_memory_t memory_at(dnnl_engine_t engine, int rows, int cols, bool turned, void *at)
{
    const dnnl_dims_t dims = {rows, cols}, plain = {cols, 1}, by_columns = {1, rows};
    dnnl_memory_desc_t d;
    dnnl_memory_t m;
    DNNL(dnnl_memory_desc_init_by_strides(&d, 2, dims, dnnl_f32, turned ? by_columns : plain));
    DNNL(dnnl_memory_create(&m, &d, engine, at));
    return m;
}

static dnnl_primitive_t reorder(dnnl_engine_t engine, dnnl_memory_t from, dnnl_memory_t to)
{
    const dnnl_memory_desc_t *a, *b;
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t p;
    DNNL(dnnl_memory_get_memory_desc(from, &a));
    DNNL(dnnl_memory_get_memory_desc(to, &b));
    DNNL(dnnl_reorder_primitive_desc_create(&pd, a, engine, b, engine, NULL));
    DNNL(dnnl_primitive_create(&p, pd));
    return p;
}

static void run2(const struct peer *p, dnnl_primitive_t what, dnnl_memory_t from, dnnl_memory_t to)
{
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    DNNL(dnnl_primitive_execute(what, p->stream, 2, args));
}

/* c[m, n] = a[m, k] @ b[k, n]; a or b may be stored turned. */
static struct peer *peer_new(int m, int n, int k, float *a, bool a_turned, float *b, bool b_turned,
                             float *c, bool right_is_ready)
{
    struct peer *p = xcalloc(1, sizeof *p);
    const dnnl_dims_t da = {m, k}, db = {k, n}, dc = {m, n}, dense = {n, 1};
    dnnl_memory_desc_t ma, mb, mc;
    dnnl_matmul_desc_t desc;
    dnnl_primitive_desc_t pd;
    DNNL(dnnl_engine_create(&p->engine, dnnl_cpu, 0));
    DNNL(dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags));
    DNNL(dnnl_memory_desc_init_by_tag(&ma, 2, da, dnnl_bf16, dnnl_format_tag_any));
    DNNL(dnnl_memory_desc_init_by_tag(&mb, 2, db, dnnl_bf16, dnnl_format_tag_any));
    DNNL(dnnl_memory_desc_init_by_strides(&mc, 2, dc, dnnl_f32, dense));
    DNNL(dnnl_matmul_desc_init(&desc, &ma, &mb, NULL, &mc));
    DNNL(dnnl_primitive_desc_create(&pd, &desc, NULL, p->engine, NULL));
    DNNL(dnnl_primitive_create(&p->matmul, pd));
    DNNL(dnnl_memory_create(&p->left16, dnnl_primitive_desc_query_md(pd, dnnl_query_src_md, 0),
                            p->engine, DNNL_MEMORY_ALLOCATE));
    DNNL(dnnl_memory_create(&p->right16, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0),
                            p->engine, DNNL_MEMORY_ALLOCATE));
    p->left = memory_at(p->engine, m, k, a_turned, a);
    p->right = memory_at(p->engine, k, n, b_turned, b);
    p->result = memory_at(p->engine, m, n, false, c);
    p->round_left = reorder(p->engine, p->left, p->left16);
    p->round_right = reorder(p->engine, p->right, p->right16);
    p->right_is_ready = right_is_ready;
    run2(p, p->round_right, p->right, p->right16);
    dnnl_stream_wait(p->stream);
    return p;
}

static void peer_run(struct product *product)
{
    const struct peer *p = product->peer;
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, p->left16}, {DNNL_ARG_WEIGHTS, p->right16}, {DNNL_ARG_DST, p->result}};
    run2(p, p->round_left, p->left, p->left16);
    if (!p->right_is_ready)
        run2(p, p->round_right, p->right, p->right16);
    DNNL(dnnl_primitive_execute(p->matmul, p->stream, 3, args));
    dnnl_stream_wait(p->stream);
}
#endif

/* ---- the table ------------------------------------------------------------------------------- */

static const char *kernel_names[] = {"fma", "dot", "amx"};

static bool runs_here(const char *name)
{
    pid_t pid = fork();
    if (pid == 0) {
        float x[32] = {0}, y[32], *scratch = xcalloc(NN_BF16_SCRATCH, sizeof *scratch);
        uint32_t packed[32 * 32 / 2] = {0};
        nn_bf16_use(name);
        nn_bf16_matmul(1, 32, 32, x, packed, false, y, scratch);
        _exit(0);
    }
    int status = 0;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static float *filled(size_t n)
{
    float *v = xcalloc(n, sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = 1e-2f * (float)(i % 37) - .2f;
    return v;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* GFLOP/s of one turn of about `seconds`. */
static double rate(way_fn way, struct product *p, double seconds)
{
    long times = 0;
    const double begin = cpu_s();
    double end;
    do {
        way(p);
        times++;
        end = cpu_s();
    } while (end - begin < seconds);
    return 2e-9 * p->rows * p->out * p->in * (double)times / (end - begin);
}

struct way {
    const char *what, *kernel;
    way_fn run;
    void *peer;
    double found[REPEATS];
};

static void measure(const char *shape, struct product *p, struct way *ways, int n, double seconds)
{
    for (int r = 0; r < REPEATS; r++)
        for (int i = 0; i < n; i++) {
            if (ways[i].kernel)
                nn_bf16_use(ways[i].kernel);
            p->peer = ways[i].peer;
            ways[i].found[r] = rate(ways[i].run, p, seconds / REPEATS);
        }
    for (int i = 0; i < n; i++) {
        qsort(ways[i].found, REPEATS, sizeof(double), by_value);
        printf("%s,%d,%d,%d,%s%s%s,%.1f\n", shape, p->in, p->out, p->rows, ways[i].what,
               ways[i].kernel ? "." : "", ways[i].kernel ? ways[i].kernel : "",
               ways[i].found[REPEATS / 2]);
    }
    fflush(stdout);
}

static void bench(const char *shape, int out, int in, int rows, double seconds)
{
    struct product p = {.rows = rows, .out = out, .in = in};
    struct way ways[WAYS_MAX] = {{"out.blas", .run = blas_out}, {"out.packed", .run = packed_out}};
    int n = 2;
    p.x = filled((size_t)rows * in), p.w = filled((size_t)out * in),
    p.y = filled((size_t)rows * out);
    p.dw = filled((size_t)out * in), p.packed = filled(nn_packed_size(out, in));
    p.scratch = filled(NN_BF16_SCRATCH);
    p.packed16 = xcalloc(nn_bf16_packed_size(out, in), sizeof *p.packed16);
    p.packed_x = xcalloc(nn_bf16_packed_size(in, rows), sizeof *p.packed_x);
    nn_pack(out, in, p.w, p.packed);
    nn_bf16_pack(out, in, p.w, p.packed16);
    for (size_t i = 0; i < COUNT_OF(kernel_names); i++)
        if (runs_here(kernel_names[i]))
            ways[n++] = (struct way){"out.bf16", kernel_names[i], bf16_out, .peer = NULL};
#ifdef WITH_ONEDNN
    ways[n++] = (struct way){"out.onednn", .run = peer_run,
                             .peer = peer_new(rows, out, in, p.x, false, p.w, true, p.y, true)};
#endif
    ways[n++] = (struct way){"dw.blas", .run = blas_dw};
    for (size_t i = 0; i < COUNT_OF(kernel_names); i++)
        if (runs_here(kernel_names[i]))
            ways[n++] = (struct way){"dw.bf16", kernel_names[i], bf16_dw, .peer = NULL};
#ifdef WITH_ONEDNN
    ways[n++] = (struct way){"dw.onednn", .run = peer_run,
                             .peer = peer_new(out, in, rows, p.y, true, p.x, false, p.dw, false)};
#endif
    measure(shape, &p, ways, n, seconds);
    free(p.x), free(p.w), free(p.y), free(p.dw), free(p.packed), free(p.scratch), free(p.packed16),
        free(p.packed_x);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *shape;
        int out, in;
    } products[] = {{"s5.qkv", 512, 256},   {"s5.up", 1376, 256},    {"s5.down", 256, 688},
                    {"s15.up", 2048, 384},  {"s15.down", 384, 1024}, {"s15.head", 4096, 384},
                    {"g5.up", 1024, 256},   {"g5.down", 256, 1024},  {"g11.up", 1536, 384},
                    {"g11.down", 384, 1536}};
    const int rows = argc > 1 ? atoi(argv[1]) : 256;
    const double seconds = argc > 2 ? atof(argv[2]) : .3;
    if (rows < 1 || seconds <= 0)
        return fputs("usage: bench_gemm [ROWS [SECONDS]]\n", stderr), 2;
    openblas_set_num_threads(1);
    puts("product,in,out,rows,what,GFLOP/s");
    for (size_t i = 0; i < COUNT_OF(products); i++)
        bench(products[i].shape, products[i].out, products[i].in, rows, seconds);
    return 0;
}
