/* bf16.c: products of matrices that are rounded to bf16 for them, summed in f32.
 *
 * Weights, activations and gradients live in f32; each product rounds both its sides (to nearest,
 * ties to even) and gives f32. So the optimiser, norms, softmax and loss see nothing of bf16.
 *
 * One layout serves every processor: panels of 32 outputs, in which two consecutive weights of
 * one output share a 32-bit word, as VDPBF16PS and TDPBF16PS want them. The other side is rounded
 * block by block into scratch. What multiplies is one of three kernels (bf16_path.c chooses):
 *   fma  rounded numbers widened to f32, multiplied and added by f32 instructions: every processor
 *   dot  VDPBF16PS of AVX512-BF16
 *   amx  TDPBF16PS on tiles
 * The first two make the same chain of multiply-adds for every output, the later of two
 * neighbours first, as VDPBF16PS does, with numbers below the normal range as zero: their results
 * are the same bits, whatever the number of rows. The third sums 32 products apart before it adds
 * them, so that it differs in the last bits of f32. */
#include "trainer/kernels/bf16.h"

#include <string.h>

#include "base/check.h"
#include "trainer/kernels/kernels.h"

_Static_assert(BF16_ROWS *BF16_BLOCK == NN_BF16_SCRATCH, "a block fits the scratch");

static size_t padded(int inner)
{
    return (size_t)nn_round_up(inner, BF16_INNER);
}

size_t nn_bf16_packed_size(int out, int in)
{
    return (size_t)nn_round_up(out, BF16_COLUMNS) * padded(in) / 2;
}

/* p[0 .. 15], zero from p[n] on. */
NN_INLINE v16 load_some(const float *p, int n)
{
    if (n >= NN_LANES)
        return v16_load(p);
    float some[NN_LANES] = {0};
    if (n > 0)
        memcpy(some, p, (size_t)n * sizeof *some);
    return v16_load(some);
}

NN_INLINE void store_words(uint32_t *p, v16u v)
{
    *(v16u_unaligned *)p = v;
}

/* Pairs of neighbours: word i holds early[i] low and late[i] high. */
NN_INLINE v16u pair_up(v16u early, v16u late)
{
    return early >> 16 | late;
}

/* One step of the transposition: blocks of S words off the diagonal change places. */
#define SWAP_BLOCKS(S, A, B)                                                                       \
    for (int i = 0; i < NN_LANES; i++)                                                             \
        if (!(i & (S))) {                                                                          \
            const v16u upper = r[i], lower = r[i + (S)];                                           \
            r[i] = __builtin_shufflevector(upper, lower, A);                                       \
            r[i + (S)] = __builtin_shufflevector(upper, lower, B);                                 \
        }
#define LIST(...) __VA_ARGS__

NN_INLINE void transpose(v16u r[NN_LANES]){
    SWAP_BLOCKS(8, LIST(0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
                LIST(8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
        SWAP_BLOCKS(4, LIST(0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
                    LIST(4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31))
            SWAP_BLOCKS(2, LIST(0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
                        LIST(2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
                SWAP_BLOCKS(1, LIST(0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
                            LIST(1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))}

/* 32 numbers of a row, n of which are there, as 16 words of neighbours. */
NN_INLINE v16u row_pairs(const float *p, int n)
{
    const v16u a = bf16_round(load_some(p, n)),
               b = bf16_round(load_some(p + NN_LANES, n - NN_LANES));
    return pair_up(
        __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
        __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31));
}

/* Words of rows p and p + 1 of x, `ld` wide, of which `rows` are there; n columns from column i. */
NN_INLINE v16u column_pairs(const float *x, size_t ld, int p, int rows, int i, int n)
{
    const float *at = x + (size_t)p * ld + (size_t)i;
    const v16 none = {0};
    return pair_up(bf16_round(p < rows ? load_some(at, n - i) : none),
                   bf16_round(p + 1 < rows ? load_some(at + ld, n - i) : none));
}

void nn_bf16_pack(int out, int in, const float *w, uint32_t *ret_packed)
{
    for (int o = 0; o < out; o += NN_LANES) {
        uint32_t *panel = ret_packed + (size_t)(o / BF16_COLUMNS) * padded(in) * BF16_COLUMNS / 2 +
                          (size_t)(o % BF16_COLUMNS);
        for (int i = 0; i < in; i += BF16_INNER, panel += BF16_INNER / 2 * BF16_COLUMNS) {
            v16u r[NN_LANES];
            for (int k = 0; k < NN_LANES; k++)
                r[k] = o + k < out ? row_pairs(w + (size_t)(o + k) * (size_t)in + (size_t)i, in - i)
                                   : (v16u){0};
            transpose(r);
            for (int k = 0; k < NN_LANES; k++)
                store_words(panel + (size_t)k * BF16_COLUMNS, r[k]);
        }
    }
    /* The second half of a last panel may have no output at all. */
    if (out % BF16_COLUMNS > 0 && out % BF16_COLUMNS <= NN_LANES) {
        uint32_t *panel = ret_packed + (size_t)(out / BF16_COLUMNS) * padded(in) * BF16_COLUMNS / 2;
        for (size_t p = 0; p < padded(in) / 2; p++)
            store_words(panel + p * BF16_COLUMNS + NN_LANES, (v16u){0});
    }
}

void nn_bf16_pack_dx(int out, int in, const float *w, uint32_t *ret_packed)
{
    uint32_t *to = ret_packed;
    for (int c = 0; c < in; c += BF16_COLUMNS)
        for (int o = 0; o < (int)padded(out); o += 2, to += BF16_COLUMNS) {
            store_words(to, column_pairs(w, (size_t)in, o, out, c, in));
            store_words(to + NN_LANES, column_pairs(w, (size_t)in, o, out, c + NN_LANES, in));
        }
}

/* ---- the other side ------------------------------------------------------------------------- */

/* A block of a: rows and inner positions that are there, and its padded sizes. */
struct side {
    const float *a;
    size_t row, col;
    int rows, inner, padded_rows, padded_inner;
};

/* Rows one after another. */
static void round_rows(const struct side *s, bool wide, uint32_t *to)
{
    for (int i = 0; i < s->padded_rows; i++) {
        const float *from = s->a + (size_t)i * s->row;
        const size_t at = (size_t)i * (size_t)s->padded_inner;
        for (int p = 0; p < s->padded_inner; p += BF16_INNER) {
            const int n = i < s->rows ? s->inner - p : 0;
            uint32_t *word = to + (wide ? at + (size_t)p : (at + (size_t)p) / 2);
            if (wide) {
                store_words(word, bf16_round(load_some(from + p, n)));
                store_words(word + NN_LANES,
                            bf16_round(load_some(from + p + NN_LANES, n - NN_LANES)));
            } else {
                store_words(word, row_pairs(from + p, n));
            }
        }
    }
}

/* Columns one after another: 16 rows at a time are turned. */
static void round_columns(const struct side *s, bool wide, uint32_t *to)
{
    const int step = wide ? NN_LANES : BF16_INNER;
    const size_t words = (size_t)s->padded_inner / (wide ? 1 : 2);
    for (int i = 0; i < s->padded_rows; i += NN_LANES)
        for (int p = 0; p < s->padded_inner; p += step) {
            v16u r[NN_LANES];
            for (int k = 0; k < NN_LANES; k++) {
                if (!wide)
                    r[k] = column_pairs(s->a, s->col, p + 2 * k, s->inner, i, s->rows);
                else if (p + k < s->inner)
                    r[k] = bf16_round(
                        load_some(s->a + (size_t)(p + k) * s->col + (size_t)i, s->rows - i));
                else
                    r[k] = (v16u){0};
            }
            transpose(r);
            uint32_t *word = to + (size_t)i * words + (size_t)p / (wide ? 1 : 2);
            for (int k = 0; k < NN_LANES; k++)
                store_words(word + (size_t)k * words, r[k]);
        }
}

/* ---- the product ---------------------------------------------------------------------------- */

/* The last panel's padding has no place in c. */
static void narrow_block(const struct bf16_kernel *kernel, struct bf16_block b, int columns)
{
    float tile[BF16_ROWS * BF16_COLUMNS], *c = b.c;
    const size_t bytes = (size_t)columns * sizeof *tile, ldc = b.ldc;
    for (int i = 0; b.add && i < b.rows; i++)
        memcpy(tile + i * BF16_COLUMNS, c + (size_t)i * ldc, bytes);
    for (int i = 0; b.add && i < b.rows; i++)
        memset(tile + i * BF16_COLUMNS + columns, 0, sizeof *tile * BF16_COLUMNS - bytes);
    b.c = tile;
    b.ldc = BF16_COLUMNS;
    kernel->block(&b);
    for (int i = 0; i < b.rows; i++)
        memcpy(c + (size_t)i * ldc, tile + i * BF16_COLUMNS, bytes);
}

/* All outputs of one block of a. */
static void block_row(const struct bf16_kernel *kernel, const struct bf16_product *p,
                      struct bf16_block b, size_t panel_words)
{
    for (int j = 0; j < p->n; j += BF16_COLUMNS, b.panel += panel_words, b.c += BF16_COLUMNS) {
        if (p->n - j >= BF16_COLUMNS)
            kernel->block(&b);
        else
            narrow_block(kernel, b, p->n - j);
    }
}

void nn__bf16_product(const struct bf16_kernel *kernel, const struct bf16_product *p,
                      float *scratch)
{
    const int inner = (int)padded(p->k);
    void *words = scratch;
    CHECK(p->row == 1 || p->col == 1);
    for (int i = 0; i < p->m; i += BF16_ROWS)
        for (int from = 0; from < inner; from += BF16_BLOCK) {
            const int rows = p->m - i < BF16_ROWS ? p->m - i : BF16_ROWS;
            const int long_ = inner - from < BF16_BLOCK ? inner - from : BF16_BLOCK;
            const struct side s = {
                .a = p->a + (size_t)i * p->row + (size_t)from * p->col,
                .row = p->row,
                .col = p->col,
                .rows = rows,
                .inner = p->k - from < long_ ? p->k - from : long_,
                .padded_rows =
                    kernel->wide && p->col == 1 ? rows : nn_round_up(rows, BF16_TILE_ROWS),
                .padded_inner = long_,
            };
            (p->col == 1 ? round_rows : round_columns)(&s, kernel->wide, words);
            block_row(kernel, p,
                      (struct bf16_block){.rows = rows,
                                          .inner = long_,
                                          .a = scratch,
                                          .panel = p->packed + (size_t)from * BF16_COLUMNS / 2,
                                          .c = p->c + (size_t)i * (size_t)p->n,
                                          .ldc = (size_t)p->n,
                                          .add = p->add || from > 0},
                      (size_t)inner * BF16_COLUMNS / 2);
        }
}

void nn_bf16_matmul(int m, int out, int in, const float *x, const uint32_t *packed, bool add,
                    float *y, float *scratch)
{
    const struct bf16_product p = {m, out, in, x, (size_t)in, 1, packed, y, add};
    nn__bf16_product(nn__bf16_kernel(), &p, scratch);
}

void nn_bf16_matmul_dw(int m, int out, int in, const float *dy, const uint32_t *packed_x, float *dw,
                       float *scratch)
{
    const struct bf16_product p = {out, in, m, dy, 1, (size_t)out, packed_x, dw, true};
    nn__bf16_product(nn__bf16_kernel(), &p, scratch);
}
