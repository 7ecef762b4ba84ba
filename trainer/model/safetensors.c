/* safetensors.c: reads hostile files as well as our own: every number of the header is checked
 * before it is used. */
#include "trainer/model/safetensors.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/file.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "tensors are read and written as they lie in memory");

static const struct {
    const char *name;
    size_t size;
} DTYPES[] = {
    {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F64", 8},     {"I64", 8},
    {"U64", 8}, {"I32", 4}, {"U32", 4},  {"I16", 2},     {"U16", 2},
    {"I8", 1},  {"U8", 1},  {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1},
};

/* ---- reading -------------------------------------------------------------------------------- */

static int read_shape(const char *file, struct st_tensor *t, const json_t *shape, size_t element,
                      struct err *err)
{
    size_t i, bytes = element;
    json_t *d;
    if (!json_is_array(shape) || json_array_size(shape) > ST_RANK_MAX)
        return err_set(err, -EINVAL,
                       "%s: tensor `%.100s`: `shape` must be a list of at most %d numbers", file,
                       t->name, ST_RANK_MAX);
    json_array_foreach ((json_t *)shape, i, d) {
        if (!json_is_integer(d) || json_integer_value(d) < 0 ||
            __builtin_mul_overflow(bytes, (size_t)json_integer_value(d), &bytes) ||
            bytes > SIZE_MAX / 2)
            return err_set(err, -EINVAL, "%s: tensor `%.100s`: bad shape", file, t->name);
        t->shape[t->rank++] = json_integer_value(d);
    }
    t->count = bytes / element;
    t->n_bytes = bytes;
    return 0;
}

static int read_tensor(const char *file, const char *name, const json_t *o, const uint8_t *data,
                       size_t data_size, struct st_tensor *t, struct err *err)
{
    const json_t *offsets = json_object_get(o, "data_offsets");
    const json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
    size_t element = 0;
    *t = (struct st_tensor){.name = name, .dtype = json_string_value(json_object_get(o, "dtype"))};
    for (size_t i = 0; t->dtype && i < COUNT_OF(DTYPES); i++)
        if (strcmp(DTYPES[i].name, t->dtype) == 0)
            element = DTYPES[i].size;
    if (!element)
        return err_set(err, -EINVAL, "%s: tensor `%.100s`: unknown dtype `%.20s`", file, name,
                       t->dtype ? t->dtype : "");
    TRY(read_shape(file, t, json_object_get(o, "shape"), element, err));
    if (json_array_size(offsets) != 2 || !json_is_integer(from) || !json_is_integer(to))
        return err_set(err, -EINVAL, "%s: tensor `%.100s`: `data_offsets` must be two numbers",
                       file, name);
    json_int_t a = json_integer_value(from), b = json_integer_value(to);
    if (a < 0 || b < a || (uint64_t)b > data_size)
        return err_set(
            err, -EINVAL,
            "%s: tensor `%.100s`: bytes %lld .. %lld are not inside the %zu that the file has",
            file, name, (long long)a, (long long)b, data_size);
    if ((size_t)(b - a) != t->n_bytes)
        return err_set(err, -EINVAL, "%s: tensor `%.100s`: %lld bytes where its shape needs %zu",
                       file, name, (long long)(b - a), t->n_bytes);
    t->bytes = data + a;
    return 0;
}

static int by_offset(const void *pa, const void *pb)
{
    const struct st_tensor *a = pa, *b = pb;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? -1 : 1;
    if (a->n_bytes != b->n_bytes) /* empty tensors stand before the bytes at their place */
        return a->n_bytes < b->n_bytes ? -1 : 1;
    return strcmp(a->name, b->name);
}

static int read_tensors(const char *file, struct safetensors *st, const uint8_t *data,
                        size_t data_size, struct err *err)
{
    const char *name;
    json_t *o;
    const uint8_t *at = data;
    st->v = xcalloc(json_object_size(st->header), sizeof *st->v);
    json_object_foreach (st->header, name, o) {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        TRY(read_tensor(file, name, o, data, data_size, &st->v[st->n], err));
        st->n++;
    }
    qsort(st->v, (size_t)st->n, sizeof *st->v, by_offset);
    for (int i = 0; i < st->n; at = st->v[i].bytes + st->v[i].n_bytes, i++)
        if (st->v[i].bytes != at)
            return err_set(err, -EINVAL, "%s: tensor `%.100s` %s", file, st->v[i].name,
                           st->v[i].bytes < at ? "overlaps another" : "leaves a gap before it");
    if (at != data + data_size)
        return err_set(err, -EINVAL, "%s: %zu bytes after the last tensor", file,
                       (size_t)(data + data_size - at));
    return 0;
}

int st_parse(const char *name, const uint8_t *bytes, size_t size, struct safetensors *ret,
             struct err *err)
{
    uint64_t header;
    json_error_t bad;
    struct safetensors st = {0};
    if (size < sizeof header)
        return err_set(err, -EINVAL, "%s: %zu bytes are no safetensors file", name, size);
    memcpy(&header, bytes, sizeof header);
    if (header > ST_HEADER_BYTES_MAX || header > size - sizeof header)
        return err_set(err, -EINVAL, "%s: a header of %llu bytes does not fit the file (%zu bytes)",
                       name, (unsigned long long)header, size);
    st.header = json_loadb((const char *)bytes + sizeof header, (size_t)header,
                           JSON_REJECT_DUPLICATES, &bad);
    if (!json_is_object(st.header)) {
        bool json = st.header != NULL;
        json_decref(st.header);
        return err_set(err, -EINVAL, "%s: header: %s", name, json ? "not an object" : bad.text);
    }
    size_t start = sizeof header + (size_t)header;
    int rc = read_tensors(name, &st, bytes + start, size - start, err);
    if (rc < 0)
        st_close(&st);
    else
        *ret = st;
    return rc;
}

int st_open(const char *path, struct safetensors *ret, struct err *err)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set(err, -errno, "%s: %s", path, strerror(errno));
    if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return err_set(err, -EINVAL, "%s: not a file", path);
    }
    size_t size = (size_t)info.st_size;
    void *map = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    close(fd);
    if (map == MAP_FAILED)
        return err_set(err, -errno, "%s: %s", path, strerror(errno));
    struct safetensors st;
    int rc = st_parse(path, map, size, &st, err);
    if (rc < 0) {
        if (map)
            munmap(map, size);
        return rc;
    }
    st.map = map;
    st.map_size = size;
    *ret = st;
    return 0;
}

void st_close(struct safetensors *st)
{
    json_decref(st->header);
    free(st->v);
    if (st->map)
        munmap(st->map, st->map_size);
    *st = (struct safetensors){0};
}

const struct st_tensor *st_find(const struct safetensors *st, const char *name)
{
    for (int i = 0; i < st->n; i++)
        if (strcmp(st->v[i].name, name) == 0)
            return &st->v[i];
    return NULL;
}

static float from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* IEEE half precision, subnormals and infinities included. */
static float from_half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 0x1f, fraction = h & 0x3ff;
    if (exponent == 0x1f)
        return from_bits(sign | 0x7f800000 | fraction << 13);
    if (exponent)
        return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float tiny = (float)fraction * 0x1p-24f;
    return sign ? -tiny : tiny;
}

int st_read_f32(const struct st_tensor *t, float *out)
{
    if (strcmp(t->dtype, "F32") == 0) {
        memcpy(out, t->bytes, t->n_bytes);
        return 0;
    }
    bool half = strcmp(t->dtype, "F16") == 0;
    if (!half && strcmp(t->dtype, "BF16") != 0)
        return -ENOTSUP;
    for (size_t i = 0; i < t->count; i++) {
        uint16_t bits;
        memcpy(&bits, t->bytes + 2 * i, 2);
        out[i] = half ? from_half(bits) : from_bits((uint32_t)bits << 16);
    }
    return 0;
}

/* ---- writing -------------------------------------------------------------------------------- */

static size_t source_count(const struct st_source *t)
{
    size_t count = 1;
    for (int d = 0; d < t->rank; d++)
        CHECK(t->shape[d] >= 0 && !__builtin_mul_overflow(count, (size_t)t->shape[d], &count));
    CHECK(count <= SIZE_MAX / sizeof(float) && (!t->transposed || t->rank == 2));
    return count;
}

static size_t source_bytes(const struct st_source *t)
{
    return source_count(t) * (t->bf16 ? sizeof(uint16_t) : sizeof(float));
}

static uint16_t to_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (isnan(x))
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* In the order of the file. */
static void write_values(const struct st_source *t, FILE *out)
{
    const size_t n = source_count(t), rows = (size_t)t->shape[0],
                 cols = t->transposed ? (size_t)t->shape[1] : 1;
    if (!t->bf16 && !t->transposed) {
        fwrite(t->values, sizeof(float), n, out);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        float x = t->values[t->transposed ? i % rows * cols + i / rows : i];
        uint16_t half = to_bf16(x);
        fwrite(t->bf16 ? (const void *)&half : &x, t->bf16 ? sizeof half : sizeof x, 1, out);
    }
}

int st_write(const char *path, const struct st_source *tensors, int n, struct err *err)
{
    struct file_new f = {0};
    json_t *header = json_pack("{s:{s:s}}", "__metadata__", "format", "pt");
    size_t offset = 0;
    for (int i = 0; i < n; i++) {
        json_t *shape = json_array();
        size_t end = offset + source_bytes(&tensors[i]);
        for (int d = 0; d < tensors[i].rank; d++)
            json_array_append_new(
                shape, json_integer(tensors[i].shape[tensors[i].transposed ? 1 - d : d]));
        json_object_set_new(header, tensors[i].name,
                            json_pack("{s:s, s:o, s:[I, I]}", "dtype",
                                      tensors[i].bf16 ? "BF16" : "F32", "shape", shape,
                                      "data_offsets", (json_int_t)offset, (json_int_t)end));
        offset = end;
    }
    CHECK(json_object_size(header) == (size_t)n + 1);
    char *text = check_alloc(json_dumps(header, JSON_COMPACT));
    json_decref(header);
    uint64_t padded =
        (strlen(text) + 7) & ~(size_t)7; /* so that the tensors are aligned in a mapped file */
    int rc = file_new_open(&f, path, err);
    if (rc == 0) {
        fwrite(&padded, sizeof padded, 1, f.out);
        fprintf(f.out, "%-*s", (int)padded, text);
        for (int i = 0; i < n; i++)
            write_values(&tensors[i], f.out);
        rc = file_new_commit(&f, err);
    }
    free(text);
    return rc;
}
