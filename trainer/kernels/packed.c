/* packed.c: y = x @ w^T for few rows and many calls. The weights are laid out once in panels of 32
 * outputs, [in][32] each and zero-padded, so that a panel is read in order from L1 while the rows
 * of x go past it. */
#include "trainer/kernels/kernels.h"
#include "trainer/kernels/tile.h"

enum { PANEL = 2 * NN_LANES };

size_t nn_packed_size(int out, int in)
{
    return (size_t)nn_round_up(out, PANEL) * (size_t)in;
}

void nn_pack(int out, int in, const float *w, float *ret_packed)
{
    for (int o = 0; o < out; o += PANEL) {
        float *panel = ret_packed + (size_t)o * (size_t)in;
        int cols = out - o < PANEL ? out - o : PANEL;
        for (int i = 0; i < in; i++)
            for (int j = 0; j < PANEL; j++)
                panel[(size_t)i * PANEL + (size_t)j] =
                    j < cols ? w[(size_t)(o + j) * (size_t)in + (size_t)i] : 0;
    }
}

/* The last panel may be narrower than a tile: it goes through a small copy. */
static void narrow_panel(int m, int cols, int in, const float *x, const float *panel, float *y,
                         size_t ldy, bool add)
{
    float tile[TILE_ROWS][PANEL] = {{0}};
    for (int i = 0; i < m; i += TILE_ROWS) {
        int rows = m - i < TILE_ROWS ? m - i : TILE_ROWS;
        struct tile_a a = {x + (size_t)i * (size_t)in, (size_t)in, 1};
        for (int r = 0; add && r < rows; r++)
            memcpy(tile[r], y + (size_t)(i + r) * ldy, (size_t)cols * sizeof(float));
        tile_strip(rows, 2, in, a, panel, PANEL, tile[0], PANEL, add);
        for (int r = 0; r < rows; r++)
            memcpy(y + (size_t)(i + r) * ldy, tile[r], (size_t)cols * sizeof(float));
    }
}

NN_INLINE void packed_matmul(int m, int out, int in, const float *x, const float *packed, float *y,
                             bool add)
{
    struct tile_a a = {x, (size_t)in, 1};
    int o = 0;
    for (; o + PANEL <= out; o += PANEL)
        tile_strip(m, 2, in, a, packed + (size_t)o * (size_t)in, PANEL, y + o, (size_t)out, add);
    if (o < out)
        narrow_panel(m, out - o, in, x, packed + (size_t)o * (size_t)in, y + o, (size_t)out, add);
}

void nn_packed_matmul(int m, int out, int in, const float *x, const float *packed, float *y)
{
    packed_matmul(m, out, in, x, packed, y, false);
}

void nn_packed_matmul_add(int m, int out, int in, const float *x, const float *packed, float *y)
{
    packed_matmul(m, out, in, x, packed, y, true);
}
