/* packed.c: products with weights that are laid out for them beforehand.
 *
 * The outputs are cut into panels as wide as a tile, [in][columns] each and zero-padded to whole
 * vectors, so that a panel is read in order. Rows and inner length are cut so that a block of x stays
 * in the second-level cache and a block of a panel in the first; a sum that goes on in the next block is
 * stored and loaded as it is, so every output remains one chain of multiply-adds over `in`. */
#include "trainer/kernels/kernels.h"
#include "trainer/kernels/tile.h"

enum { PANEL = TILE_VECTORS * NN_LANES, ROW_BLOCK = 256, INNER_BLOCK = 256 };

size_t nn_packed_size(int out, int in)
{
    return (size_t)nn_round_up(out, NN_LANES) * (size_t)in;
}

/* Columns of the panel that begins at output o, with their padding. */
static int panel_width(int out, int o)
{
    int left = nn_round_up(out - o, NN_LANES);
    return left < PANEL ? left : PANEL;
}

/* to[i][0 .. 15] are w[0 .. 15][i], zero where there are fewer than 16 rows. */
static void pack_rows(int rows, int in, const float *w, float *to, size_t width)
{
    int i = 0;
    for (; i + NN_LANES <= in; i += NN_LANES, to += NN_LANES * width) {
        v16 block[NN_LANES];
        for (int r = 0; r < NN_LANES; r++)
            block[r] = r < rows ? v16_load(w + (size_t)r * (size_t)in + (size_t)i) : (v16){0};
        v16_transpose(block);
        for (int r = 0; r < NN_LANES; r++)
            v16_store(to + (size_t)r * width, block[r]);
    }
    for (; i < in; i++, to += width)
        for (int r = 0; r < NN_LANES; r++)
            to[r] = r < rows ? w[(size_t)r * (size_t)in + (size_t)i] : 0;
}

void nn_pack(int out, int in, const float *w, float *ret_packed)
{
    for (int o = 0; o < out; o += PANEL) {
        const int width = panel_width(out, o);
        for (int j = 0; j < width; j += NN_LANES)
            pack_rows(out - o - j, in, w + (size_t)(o + j) * (size_t)in,
                      ret_packed + (size_t)o * (size_t)in + j, (size_t)width);
    }
}

void nn_pack_dx(int out, int in, const float *w, float *ret_packed)
{
    for (int c = 0; c < in; c += PANEL) {
        const int width = panel_width(in, c), cols = in - c < width ? in - c : width;
        float *to = ret_packed + (size_t)c * (size_t)out;
        for (int o = 0; o < out; o++, to += width) {
            memcpy(to, w + (size_t)o * (size_t)in + (size_t)c, (size_t)cols * sizeof *to);
            memset(to + cols, 0, (size_t)(width - cols) * sizeof *to);
        }
    }
}

/* The last panel's padding has no place in y: its last vector goes through a small copy. */
static void narrow_strip(int m, int cols, int k, struct tile_a a, const float *panel, size_t width,
                         float *y, size_t ldy, bool add)
{
    float tile[TILE_ROWS][NN_LANES] = {{0}};
    for (int i = 0; i < m; i += TILE_ROWS, a.v += TILE_ROWS * a.row) {
        int rows = m - i < TILE_ROWS ? m - i : TILE_ROWS;
        for (int r = 0; add && r < rows; r++)
            memcpy(tile[r], y + (size_t)(i + r) * ldy, (size_t)cols * sizeof(float));
        tile_strip(rows, 1, k, a, panel, width, tile[0], NN_LANES, add);
        for (int r = 0; r < rows; r++)
            memcpy(y + (size_t)(i + r) * ldy, tile[r], (size_t)cols * sizeof(float));
    }
}

/* y (+)= x @ w^T for the inner positions from .. from + inner - 1. */
static void block_matmul(int m, int out, int in, int from, int inner, const float *x,
                         const float *packed, float *y, bool add)
{
    const struct tile_a a = {x + from, (size_t)in, 1};
    for (int o = 0; o < out; o += PANEL) {
        const int width = panel_width(out, o), whole = (out - o) / NN_LANES;
        const int vectors = whole < TILE_VECTORS ? whole : TILE_VECTORS, done = vectors * NN_LANES;
        const float *panel = packed + (size_t)o * (size_t)in + (size_t)from * (size_t)width;
        if (vectors > 0)
            tile_strip_of(m, vectors, inner, a, panel, (size_t)width, y + o, (size_t)out, add);
        if (done < width)
            narrow_strip(m, out - o - done, inner, a, panel + done, (size_t)width, y + o + done,
                         (size_t)out, add);
    }
}

static void packed_matmul(int m, int out, int in, const float *x, const float *packed, float *y,
                          bool add)
{
    for (int i = 0; i < m; i += ROW_BLOCK)
        for (int from = 0; from < in; from += INNER_BLOCK)
            block_matmul(m - i < ROW_BLOCK ? m - i : ROW_BLOCK, out, in, from,
                         in - from < INNER_BLOCK ? in - from : INNER_BLOCK,
                         x + (size_t)i * (size_t)in, packed, y + (size_t)i * (size_t)out,
                         add || from > 0);
}

void nn_packed_matmul(int m, int out, int in, const float *x, const float *packed, float *y)
{
    packed_matmul(m, out, in, x, packed, y, false);
}

void nn_packed_matmul_add(int m, int out, int in, const float *x, const float *packed, float *y)
{
    packed_matmul(m, out, in, x, packed, y, true);
}
