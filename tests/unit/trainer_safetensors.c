/* safetensors: what is written is read back, half and bfloat16 become the right floats, no lie in a
 * header gets through. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
#include "tests/fuzz/fuzz_safetensors.c"

/* A file image: header text, then `n` bytes of data. */
static struct buf image(const char *header, const void *data, size_t n)
{
    struct buf b = {0};
    uint64_t len = strlen(header);
    buf_add(&b, &len, sizeof len);
    buf_puts(&b, header);
    buf_add(&b, data, n);
    return b;
}

static int parse(const char *header, const void *data, size_t n, struct safetensors *st,
                 struct err *err, struct buf *keep)
{
    *keep = image(header, data, n);
    return st_parse("x.safetensors", (const uint8_t *)keep->s, keep->len, st, err);
}

static void written_is_read_back(void **state)
{
    (void)state;
    const float a[6] = {1, -2, 3.5f, 0, INFINITY, 1e-42f}, b[3] = {7, 8, 9};
    const struct st_source tensors[] = {
        {.name = "layer.a", .rank = 2, .shape = {2, 3}, .values = a},
        {.name = "b", .rank = 1, .shape = {3}, .values = b}};
    char path[] = "/tmp/assay-st-XXXXXX";
    struct safetensors st;
    struct err err = {0};
    struct buf first = {0}, second = {0};
    float got[6];
    close(mkstemp(path));
    assert_int_equal(st_write(path, tensors, 2, &err), 0);
    assert_int_equal(file_read(path, 1 << 20, &first, &err), 0);
    assert_int_equal(st_open(path, &st, &err), 0);
    assert_int_equal(st.n, 2);
    const struct st_tensor *t = st_find(&st, "layer.a");
    assert_non_null(t);
    assert_null(st_find(&st, "layer"));
    assert_int_equal(t->rank, 2);
    assert_int_equal(t->shape[1], 3);
    assert_int_equal(((uintptr_t)t->bytes) % 8, 0);
    assert_int_equal(st_read_f32(t, got), 0);
    assert_memory_equal(got, a, sizeof a);
    st_close(&st);
    assert_int_equal(st_write(path, tensors, 2, &err), 0);
    assert_int_equal(file_read(path, 1 << 20, &second, &err), 0);
    assert_true(str_eq(buf_view(&first), buf_view(&second)));
    buf_free(&first);
    buf_free(&second);
    unlink(path);
}

static void half_precision(void **state)
{
    (void)state;
    const uint16_t half[] = {0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0400,
                             0x0001, 0x83ff, 0x7c00, 0xfc00, 0x3555, 0x7e00};
    const float want[] = {0,        -0.f,          1,        -2,        65504,       0x1p-14f,
                          0x1p-24f, -0x1.ff8p-15f, INFINITY, -INFINITY, 0x1.554p-2f, NAN};
    const uint16_t brain[] = {0x3f80, 0xc040, 0x7f80, 0x0001};
    const float brain_want[] = {1, -3, INFINITY, 0x1p-133f};
    char header[200];
    uint16_t data[16];
    struct safetensors st;
    struct err err = {0};
    struct buf keep;
    float got[12];
    memcpy(data, half, sizeof half);
    memcpy(data + 12, brain, sizeof brain);
    snprintf(header, sizeof header,
             "{\"h\":{\"dtype\":\"F16\",\"shape\":[12],\"data_offsets\":[0,24]},"
             "\"b\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[24,32]}}");
    assert_int_equal(parse(header, data, sizeof data, &st, &err, &keep), 0);
    assert_int_equal(st_read_f32(st_find(&st, "h"), got), 0);
    for (int i = 0; i < 12; i++)
        assert_true(isnan(want[i]) ? isnan(got[i])
                                   : got[i] == want[i] && signbit(got[i]) == signbit(want[i]));
    assert_int_equal(st_read_f32(st_find(&st, "b"), got), 0);
    for (int i = 0; i < 4; i++)
        assert_true(got[i] == brain_want[i]);
    st_close(&st);
    buf_free(&keep);
}

static void lies_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *header, *message;
        size_t data;
    } rows[] = {
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "not inside", 7},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "1 bytes after", 9},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}",
         "8 bytes where its shape needs 12", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\","
         "\"shape\":[2],\"data_offsets\":[2,10]}}",
         "overlaps", 10},
        {"{\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"I8\","
         "\"shape\":[1],\"data_offsets\":[2,3]}}",
         "gap", 3},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", "not inside", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", "bad shape", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}",
         "bad shape", 0},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", "bad shape", 4},
        {"{\"a\":{\"dtype\":\"E9\",\"shape\":[1],\"data_offsets\":[0,4]}}", "unknown dtype `E9`",
         4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", "data_offsets", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}",
         "at most 8", 4},
        {"{\"a\":1,\"a\":2}", "duplicate", 0},
        {"[]", "not an object", 0},
        {"{", "header", 0},
    };
    const char data[16] = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct safetensors st;
        struct err err = {0};
        struct buf keep;
        assert_int_equal(parse(rows[i].header, data, rows[i].data, &st, &err, &keep), -EINVAL);
        if (strncmp(err.text, "x.safetensors: ", 15) != 0 || !strstr(err.text, rows[i].message))
            fail_msg("row %zu says: %s", i, err.text);
        buf_free(&keep);
    }
}

static void truncated_at_every_byte(void **state)
{
    (void)state;
    struct buf whole =
        image("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "12345678", 8);
    for (size_t n = 0; n < whole.len; n++) {
        struct safetensors st;
        uint8_t *copy = malloc(
            n ? n : 1); /* of this very size, so that a read past the end is caught by asan */
        memcpy(copy, whole.s, n);
        assert_int_equal(st_parse("x", copy, n, &st, NULL), -EINVAL);
        free(copy);
    }
    buf_free(&whole);
}

static void random_damage(void **state)
{
    (void)state;
    struct buf whole = image("{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"F32\","
                             "\"shape\":[2],\"data_offsets\":[0,8]},"
                             "\"b\":{\"dtype\":\"BF16\",\"shape\":[2,1],\"data_offsets\":[8,12]}}",
                             "123456789012", 12);
    struct rng rng = rng_make(3, 1);
    for (int round = 0; round < 20000; round++) {
        uint8_t *copy = malloc(whole.len);
        memcpy(copy, whole.s, whole.len);
        for (int k = (int)rng_below(&rng, 3); k >= 0; k--)
            copy[rng_below(&rng, whole.len)] = (uint8_t)rng_u64(&rng);
        LLVMFuzzerTestOneInput(copy, whole.len);
        free(copy);
    }
    buf_free(&whole);
}

static void absent_files_have_names(void **state)
{
    (void)state;
    struct safetensors st;
    struct err err = {0};
    assert_int_equal(st_open("/nonexistent/model.safetensors", &st, &err), -ENOENT);
    assert_non_null(strstr(err.text, "/nonexistent/model.safetensors"));
    assert_int_equal(st_open("/tmp", &st, &err), -EINVAL);
    assert_int_equal(st_open("/dev/null", &st, &err), -EINVAL);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_is_read_back), cmocka_unit_test(half_precision),
        cmocka_unit_test(lies_are_found),       cmocka_unit_test(truncated_at_every_byte),
        cmocka_unit_test(random_damage),        cmocka_unit_test(absent_files_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
