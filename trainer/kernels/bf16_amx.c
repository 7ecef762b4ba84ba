/* bf16_amx.c: the bf16 product on AMX tiles.
 *
 * A tile is 16 rows of 64 bytes. Four hold sums, 32 rows by 32 outputs; two hold 16 rows each of
 * 32 inner positions of a; two hold 16 rows of a panel (32 inner positions, two a word) by 16
 * outputs each. One dot makes 16 x 16 sums of 32 products.
 *
 * All that touches a tile are six primitives, each written twice: as the instruction, and as what
 * its manual says that it does to memory laid out like tiles. The loops above them are one text,
 * compiled over either half, so that they are tested to the bit on processors without tiles; with
 * them, bf16_path.c compares a small product before the instructions are used. */
#include "trainer/kernels/bf16.h"

#include <string.h>

#include "base/check.h"

enum { TILES = 8, TILE_BYTES = 64 };

/* What LDTILECFG reads. */
struct tile_config {
    uint8_t palette, start_row, zero[14];
    uint16_t bytes_of_row[16];
    uint8_t rows[16];
};
_Static_assert(sizeof(struct tile_config) == 64, "as the manual has it");

struct twin {
    struct tile_config config;
    uint8_t tile[TILES][BF16_TILE_ROWS][TILE_BYTES];
};

/* ---- the primitives as their manual has them -------------------------------------------------- */

static void twin_configure(struct twin *t, const struct tile_config *config)
{
    memset(t, 0, sizeof *t);
    t->config = *config;
}

static void twin_zero(struct twin *t, int tile)
{
    memset(t->tile[tile], 0, sizeof t->tile[tile]);
}

static void twin_load(struct twin *t, int tile, const void *from, size_t stride)
{
    twin_zero(t, tile);
    for (size_t r = 0; r < t->config.rows[tile]; r++)
        memcpy(t->tile[tile][r], (const char *)from + r * stride, t->config.bytes_of_row[tile]);
}

static void twin_store(const struct twin *t, int tile, void *to, size_t stride)
{
    for (size_t r = 0; r < t->config.rows[tile]; r++)
        memcpy((char *)to + r * stride, t->tile[tile][r], t->config.bytes_of_row[tile]);
}

/* f32 of one half of a word; 0 of numbers below the normal range. */
static float half_of(uint32_t word, int late)
{
    uint32_t bits = late ? word & 0xffff0000 : word << 16;
    float x;
    if (!(bits & 0x7f800000))
        bits &= 0x80000000;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Products of early and of late halves are summed apart, and both together are then added. */
static void twin_dot(struct twin *t, int sum, int left, int right)
{
    const int inner = t->config.bytes_of_row[left] / 4;
    for (int m = 0; m < t->config.rows[sum]; m++)
        for (int n = 0; n < t->config.bytes_of_row[sum] / 4; n++) {
            float early = 0, late = 0, c;
            for (int k = 0; k < inner; k++) {
                uint32_t a, b;
                memcpy(&a, t->tile[left][m] + 4 * k, 4);
                memcpy(&b, t->tile[right][k] + 4 * n, 4);
                early += half_of(a, 0) * half_of(b, 0);
                late += half_of(a, 1) * half_of(b, 1);
            }
            memcpy(&c, t->tile[sum][m] + 4 * n, 4);
            c += early + late;
            memcpy(t->tile[sum][m] + 4 * n, &c, 4);
        }
}

/* ---- the primitives as instructions, or by the twin ------------------------------------------- */

#ifdef __x86_64__
#include <immintrin.h>
#define FOR_TILES __attribute__((target("amx-tile,amx-bf16")))
#else
#define FOR_TILES
#define _tile_loadconfig(config)         CHECK(!"no tiles here")
#define _tile_release()                  CHECK(!"no tiles here")
#define _tile_zero(tile)                 CHECK(!"no tiles here")
#define _tile_loadd(tile, from, stride)  CHECK(!"no tiles here")
#define _tile_stored(tile, to, stride)   CHECK(!"no tiles here")
#define _tile_dpbf16ps(sum, left, right) CHECK(!"no tiles here")
#endif

/* With a twin the primitive is done to it, else to the processor's tiles. Tiles are constants of
 * the instruction, hence macros. What EITHER takes are statements, which bear no parentheses. */
// NOLINTBEGIN(bugprone-macro-parentheses)
#define EITHER(t, of_twin, of_tiles)                                                               \
    do {                                                                                           \
        if (t)                                                                                     \
            of_twin;                                                                               \
        else                                                                                       \
            of_tiles;                                                                              \
    } while (0)
// NOLINTEND(bugprone-macro-parentheses)
#define CONFIGURE(t, c) EITHER(t, twin_configure(t, c), _tile_loadconfig(c))
#define ZERO(t, tile)   EITHER(t, twin_zero(t, tile), _tile_zero(tile))
#define LOAD(t, tile, from, stride)                                                                \
    EITHER(t, twin_load(t, tile, from, stride), _tile_loadd(tile, from, stride))
#define STORE(t, tile, to, stride)                                                                 \
    EITHER(t, twin_store(t, tile, to, stride), _tile_stored(tile, to, stride))
#define DOT(t, sum, left, right)                                                                   \
    EITHER(t, twin_dot(t, sum, left, right), _tile_dpbf16ps(sum, left, right))

/* ---- the loops --------------------------------------------------------------------------------- */

/* Tiles 0 to 3 hold sums (left and right, upper and lower), 4 and 5 rows of a, 6 and 7 of the
 * panel. */

/* c[16, 32] (+)= 16 rows of a @ panel, or of both, if `two`, c[32, 32]. */
static inline __attribute__((always_inline)) FOR_TILES void
strip(struct twin *t, bool two, const struct bf16_block *b, int row, float *c, size_t ldc)
{
    const size_t a_stride = (size_t)b->inner * 2, w_stride = BF16_COLUMNS * 4, c_stride = ldc * 4;
    const char *a = (const char *)b->a + (size_t)row * a_stride;
    const uint32_t *w = b->panel;
    float *below = c + BF16_TILE_ROWS * ldc;
    if (b->add) {
        LOAD(t, 0, c, c_stride);
        LOAD(t, 1, c + NN_LANES, c_stride);
        if (two) {
            LOAD(t, 2, below, c_stride);
            LOAD(t, 3, below + NN_LANES, c_stride);
        }
    } else {
        ZERO(t, 0);
        ZERO(t, 1);
        ZERO(t, 2);
        ZERO(t, 3);
    }
    for (int p = 0; p < b->inner; p += BF16_INNER, a += TILE_BYTES) {
        LOAD(t, 6, w, w_stride);
        LOAD(t, 7, w + NN_LANES, w_stride);
        LOAD(t, 4, a, a_stride);
        DOT(t, 0, 4, 6);
        DOT(t, 1, 4, 7);
        if (two) {
            LOAD(t, 5, a + BF16_TILE_ROWS * a_stride, a_stride);
            DOT(t, 2, 5, 6);
            DOT(t, 3, 5, 7);
        }
        w += BF16_INNER / 2 * BF16_COLUMNS;
    }
    STORE(t, 0, c, c_stride);
    STORE(t, 1, c + NN_LANES, c_stride);
    if (two) {
        STORE(t, 2, below, c_stride);
        STORE(t, 3, below + NN_LANES, c_stride);
    }
}

/* The last rows, fewer than a strip: the rows of a are padded, those of c are not. */
static inline __attribute__((always_inline)) FOR_TILES void
last_strip(struct twin *t, const struct bf16_block *b, int row)
{
    float tile[2 * BF16_TILE_ROWS][BF16_COLUMNS];
    float *c = b->c + (size_t)row * b->ldc;
    const int left = b->rows - row;
    memset(tile, 0, sizeof tile);
    for (int i = 0; b->add && i < left; i++)
        memcpy(tile[i], c + (size_t)i * b->ldc, sizeof tile[i]);
    if (left > BF16_TILE_ROWS)
        strip(t, true, b, row, tile[0], BF16_COLUMNS);
    else
        strip(t, false, b, row, tile[0], BF16_COLUMNS);
    for (int i = 0; i < left; i++)
        memcpy(c + (size_t)i * b->ldc, tile[i], sizeof tile[i]);
}

static inline __attribute__((always_inline)) FOR_TILES void tiles_block(struct twin *t,
                                                                        const struct bf16_block *b)
{
    struct tile_config config = {.palette = 1};
    for (int i = 0; i < TILES; i++) {
        config.bytes_of_row[i] = TILE_BYTES;
        config.rows[i] = BF16_TILE_ROWS;
    }
    CONFIGURE(t, &config);
    int i = 0;
    for (; i + 2 * BF16_TILE_ROWS <= b->rows; i += 2 * BF16_TILE_ROWS)
        strip(t, true, b, i, b->c + (size_t)i * b->ldc, b->ldc);
    if (i < b->rows)
        last_strip(t, b, i);
    if (!t)
        _tile_release();
}

static FOR_TILES void amx_block(const struct bf16_block *b)
{
    tiles_block(NULL, b);
}

static FOR_TILES void twin_block(const struct bf16_block *b)
{
    struct twin twin;
    tiles_block(&twin, b);
}

const struct bf16_kernel nn__bf16_amx = {"amx", "bf16 by AMX tiles", false, amx_block};
const struct bf16_kernel nn__bf16_amx_twin = {
    "amx-twin", "what AMX tiles would give, by a slow twin", false, twin_block};
