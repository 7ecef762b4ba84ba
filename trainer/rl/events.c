/* events.c: TensorBoard's event file, written without TensorFlow.
 *
 * The file is a sequence of records: length (u64), masked CRC-32C of these eight bytes (u32), the
 * bytes, masked CRC-32C of them (u32), little-endian. A mask is a rotation right by 15 and a
 * constant, so that a checksum of checksums is not a trap. Each record is a protobuf message
 *
 *     Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
 *     Summary { repeated Value value = 1; }   Value { string tag = 1; float simple_value = 2; }
 *
 * The first one has the file version, each other one all numbers of one line of metrics.jsonl: a
 * key of objects within objects is their keys with a slash between. Tags begin with the stage:
 * "train/" for grpo (so Transformers-RL's metrics stand where its own runs show them), "sft/",
 * "eval/". Steps count the lines of a stage's kind over the run; an evaluation stands at the GRPO
 * step that it measures. */
#include "trainer/rl/events.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"

enum {
    FRAME_BYTES = 16, /* around a record's bytes */
    WIRE_VARINT = 0,
    WIRE_64 = 1,
    WIRE_BYTES = 2,
    WIRE_32 = 5
};
static const char FILE_VERSION[] = "brain.Event:2";

struct events {
    FILE *out;
    char *path;
    int64_t grpo, sft; /* lines so far */
};

/* ---- records -------------------------------------------------------------------------------- */

uint32_t events_crc32c(struct str bytes)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (unsigned char)bytes.s[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static void add_fixed(struct buf *out, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_char(out, (char)(v >> 8 * i));
}

static void add_checksum(struct buf *out, struct str bytes)
{
    uint32_t crc = events_crc32c(bytes);
    add_fixed(out, (crc >> 15 | crc << 17) + 0xa282ead8u, 4);
}

void events_record(struct buf *out, struct str bytes)
{
    size_t start = out->len;
    add_fixed(out, bytes.len, 8);
    add_checksum(out, str_make(out->s + start, 8));
    buf_str(out, bytes);
    add_checksum(out, bytes);
}

/* Length of the whole record at the start of `file`, 0 when there is none. */
static size_t record_length(struct str file)
{
    uint64_t n = 0;
    struct buf again = {0};
    for (int i = 0; file.len >= 8 && i < 8; i++)
        n |= (uint64_t)(unsigned char)file.s[i] << 8 * i;
    if (file.len < FRAME_BYTES || n > file.len - FRAME_BYTES)
        return 0;
    size_t length = n + FRAME_BYTES;
    events_record(&again, str_make(file.s + 12, n));
    bool same = memcmp(again.s, file.s, length) == 0;
    buf_free(&again);
    return same ? length : 0;
}

/* ---- messages ------------------------------------------------------------------------------- */

static void add_varint(struct buf *out, uint64_t v)
{
    for (; v > 0x7f; v >>= 7)
        buf_char(out, (char)(v | 0x80));
    buf_char(out, (char)v);
}

static void add_key(struct buf *out, int field, int wire)
{
    add_varint(out, (uint64_t)(field << 3 | wire));
}

static void add_bytes(struct buf *out, int field, struct str bytes)
{
    add_key(out, field, WIRE_BYTES);
    add_varint(out, bytes.len);
    buf_str(out, bytes);
}

static void add_time(struct buf *out)
{
    uint64_t bits;
    double seconds = (double)clock_ns(CLOCK_REALTIME) / 1e9;
    memcpy(&bits, &seconds, sizeof bits);
    add_key(out, 1, WIRE_64);
    add_fixed(out, bits, 8);
}

static void add_value(struct buf *summary, struct str tag, double number)
{
    struct buf value = {0};
    float single = (float)number;
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    add_bytes(&value, 1, tag);
    add_key(&value, 2, WIRE_32);
    add_fixed(&value, bits, 4);
    add_bytes(summary, 1, buf_view(&value));
    buf_free(&value);
}

/* Every number of `o`, its tag beginning with what `tag` holds. */
static void add_numbers(struct buf *summary, struct buf *tag, const json_t *o)
{
    const char *key;
    json_t *v;
    size_t prefix = tag->len;
    json_object_foreach ((json_t *)o, key, v) {
        buf_puts(tag, key);
        if (json_is_number(v)) {
            add_value(summary, buf_view(tag), json_number_value(v));
        } else if (json_is_object(v)) {
            buf_char(tag, '/');
            add_numbers(summary, tag, v);
        }
        tag->len = prefix;
    }
}

/* Counts the line and appends its record. */
static void add_line(struct events *e, const json_t *line, struct buf *out)
{
    const char *stage = json_string_value(json_object_get(line, "stage"));
    bool grpo = stage && strcmp(stage, "grpo") == 0, sft = stage && strcmp(stage, "sft") == 0;
    struct buf tag = {0}, summary = {0}, event = {0};
    json_t *numbers = json_copy((json_t *)line);
    json_object_del(numbers, "step");
    json_object_del(numbers, "stage_index");
    e->grpo += grpo;
    e->sft += sft;
    buf_printf(&tag, "%s/", grpo ? "train" : stage ? stage : "run");
    add_numbers(&summary, &tag, numbers);
    add_time(&event);
    add_key(&event, 2, WIRE_VARINT);
    add_varint(&event, (uint64_t)(sft ? e->sft : e->grpo));
    add_bytes(&event, 5, buf_view(&summary));
    events_record(out, buf_view(&event));
    json_decref(numbers);
    buf_free(&tag);
    buf_free(&summary);
    buf_free(&event);
}

static void add_version(struct buf *out)
{
    struct buf event = {0};
    add_time(&event);
    add_bytes(&event, 3, str_of(FILE_VERSION));
    events_record(out, buf_view(&event));
    buf_free(&event);
}

/* ---- the file ------------------------------------------------------------------------------- */

/* What the file must hold: as many records of `old` as there are lines, and the rest anew. */
static void renew(struct events *e, struct str old, struct str metrics, struct buf *out)
{
    size_t kept = record_length(old);
    if (kept)
        buf_add(out, old.s, kept);
    else
        add_version(out);
    for (ptrdiff_t end; (end = str_find(metrics, STR("\n"), 0)) >= 0;) {
        json_t *line = json_loadb(metrics.s, (size_t)end, 0, NULL);
        struct buf fresh = {0};
        add_line(e, line, &fresh); /* counts, also where the old record stays */
        size_t here = kept ? record_length(str_from(old, kept)) : 0;
        if (here)
            buf_add(out, old.s + kept, here);
        else
            buf_str(out, buf_view(&fresh));
        kept = here ? kept + here : 0;
        metrics = str_from(metrics, (size_t)end + 1);
        buf_free(&fresh);
        json_decref(line);
    }
}

int events_open(const char *path, const char *metrics, struct events **ret, struct err *err)
{
    struct buf old = {0}, lines = {0}, whole = {0};
    struct events *e = xcalloc(1, sizeof *e);
    e->path = check_alloc(strdup(path));
    int rc = access(path, F_OK) == 0 ? file_read(path, SIZE_MAX / 4, &old, err) : 0;
    if (rc == 0 && access(metrics, F_OK) == 0)
        rc = file_read(metrics, SIZE_MAX / 4, &lines, err);
    if (rc == 0) {
        renew(e, buf_view(&old), buf_view(&lines), &whole);
        rc = file_replace(path, buf_view(&whole), err);
    }
    if (rc == 0 && !(e->out = fopen(path, "abe")))
        rc = err_set(err, -errno, "%s: %s", path, strerror(errno));
    buf_free(&old);
    buf_free(&lines);
    buf_free(&whole);
    if (rc < 0)
        events_close(e);
    else
        *ret = e;
    return rc;
}

int events_line(struct events *e, const json_t *line, struct err *err)
{
    struct buf record = {0};
    add_line(e, line, &record);
    bool good = fwrite(record.s, 1, record.len, e->out) == record.len && fflush(e->out) == 0;
    int code = errno ? -errno : -EIO;
    buf_free(&record);
    return good ? 0 : err_set(err, code, "%s: %s", e->path, strerror(-code));
}

void events_close(struct events *e)
{
    if (!e)
        return;
    if (e->out)
        fclose(e->out);
    free(e->path);
    free(e);
}
