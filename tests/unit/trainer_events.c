/* TensorBoard's event file: checksums and bytes as published, and a file that a killed run left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "trainer/rl/events.h"

/* RFC 3720, B.4, and the check value of the catalogues of CRCs. */
static void checksums_are_the_standards(void **state)
{
    (void)state;
    char zeros[32] = {0}, ones[32], up[32], down[32];
    memset(ones, 0xff, sizeof ones);
    for (int i = 0; i < 32; i++) {
        up[i] = (char)i;
        down[i] = (char)(31 - i);
    }
    assert_int_equal(events_crc32c(str_make(zeros, 32)), 0x8a9136aa);
    assert_int_equal(events_crc32c(str_make(ones, 32)), 0x62a8ab43);
    assert_int_equal(events_crc32c(str_make(up, 32)), 0x46dd794e);
    assert_int_equal(events_crc32c(str_make(down, 32)), 0x113fdb5c);
    assert_int_equal(events_crc32c(STR("123456789")), 0xe3069283);
    assert_int_equal(events_crc32c(STR("")), 0);
}

/* Worked out by hand from the format: Event {wall_time: 1.5, step: 3, summary {value {tag: "a",
 * simple_value: 2}}}, in its record. */
static const char GOLDEN[] =
    "\x17\x00\x00\x00\x00\x00\x00\x00\xe7\xce\xf8\x1e\x09\x00\x00\x00\x00\x00\x00\xf8\x3f\x10\x03"
    "\x2a\x0a\x0a\x08\x0a\x01\x61\x15\x00\x00\x00\x40\xe8\x1c\x3a\x9d";

static void records_are_framed(void **state)
{
    (void)state;
    struct buf out = {0};
    events_record(&out, str_make(GOLDEN + 12, 0x17));
    assert_int_equal(out.len, sizeof GOLDEN - 1);
    assert_memory_equal(out.s, GOLDEN, out.len);
    buf_free(&out);
}

struct place {
    char dir[40], events[96], metrics[64];
};

static void place_make(struct place *p)
{
    strcpy(p->dir, "/tmp/assay-events-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->events, sizeof p->events, "%s/" EVENTS_NAME, p->dir);
    snprintf(p->metrics, sizeof p->metrics, "%s/metrics.jsonl", p->dir);
}

static void place_remove(struct place *p)
{
    unlink(p->events);
    unlink(p->metrics);
    assert_int_equal(rmdir(p->dir), 0);
}

/* Takes the record at *at, its time set to 1.5 (and so with other checksums); false at the end. */
static bool next_record(const struct buf *file, size_t *at, struct buf *ret)
{
    if (*at == file->len)
        return false;
    size_t n = (unsigned char)file->s[*at] | (size_t)(unsigned char)file->s[*at + 1] << 8;
    struct buf bytes = {0}, whole = {0};
    buf_add(&bytes, file->s + *at + 12, n);
    events_record(&whole, buf_view(&bytes));
    assert_memory_equal(whole.s, file->s + *at, n + 16); /* both checksums hold */
    memcpy(bytes.s + 1, "\0\0\0\0\0\0\xf8\x3f", 8);
    buf_clear(ret);
    events_record(ret, buf_view(&bytes));
    *at += n + 16;
    buf_free(&bytes);
    buf_free(&whole);
    return true;
}

/* Opens, writes n lines, closes; returns the file. */
static struct buf write_events(const struct place *p, const char *const *lines, int n)
{
    struct events *e;
    struct err err = {0};
    struct buf file = {0};
    if (events_open(p->events, p->metrics, &e, &err) < 0)
        fail_msg("%s", err.text);
    for (int i = 0; i < n; i++) {
        json_t *line = json_loads(lines[i], 0, NULL);
        assert_int_equal(events_line(e, line, &err), 0);
        json_decref(line);
    }
    events_close(e);
    assert_int_equal(file_read(p->events, 1 << 20, &file, &err), 0);
    return file;
}

#define GRPO "{\"stage\":\"grpo\",\"stage_index\":1,\"step\":1,\"a\":2}"
#define SFT  "{\"stage\":\"sft\",\"stage_index\":0,\"step\":1,\"loss\":2}"
#define EVAL "{\"stage\":\"eval\",\"name\":\"x\",\"sampled\":{\"pass_at_1\":2,\"by\":{\"3\":2}}}"

/* The event of tag and step, with the value 2 and the time 1.5, by its published fields. */
static void expect(const struct buf *record, const char *tag, int step)
{
    struct buf want = {0}, framed = {0};
    int n = (int)strlen(tag);
    buf_add(&want, "\x09\0\0\0\0\0\0\xf8\x3f\x10", 10);
    buf_printf(&want, "%c", step);
    buf_printf(&want, "\x2a%c\x0a%c\x0a%c%s\x15", n + 9, n + 7, n, tag);
    buf_add(&want, "\0\0\0\x40", 4);
    events_record(&framed, buf_view(&want));
    assert_int_equal(record->len, framed.len);
    assert_memory_equal(record->s, framed.s, framed.len);
    buf_free(&want);
    buf_free(&framed);
}

static void lines_become_events(void **state)
{
    (void)state;
    static const char *const lines[] = {SFT, SFT, GRPO, GRPO, GRPO, EVAL};
    struct place p;
    struct buf record = {0};
    size_t at = 0;
    place_make(&p);
    struct buf file = write_events(&p, lines, 6);
    /* Every event file of TensorFlow's begins so. */
    assert_memory_equal(file.s, "\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22\x09", 13);
    assert_true(next_record(&file, &at, &record));
    assert_memory_equal(record.s + 21,
                        "\x1a\x0d"
                        "brain.Event:2",
                        15);
    for (int i = 0; i < 2; i++) {
        assert_true(next_record(&file, &at, &record));
        expect(&record, "sft/loss", i + 1);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(next_record(&file, &at, &record));
        expect(&record, "train/a", i + 1);
    }
    assert_true(next_record(&file, &at, &record));
    assert_int_equal(record.s[22], 3); /* the step that it measures */
    assert_true(str_find(buf_view(&record), STR("eval/sampled/pass_at_1"), 0) > 0);
    assert_true(str_find(buf_view(&record), STR("eval/sampled/by/3"), 0) > 0);
    assert_false(next_record(&file, &at, &record));
    buf_free(&file);
    buf_free(&record);
    place_remove(&p);
}

/* A run that goes on: metrics.jsonl says how far it came. Events past it go, those before stay to
 * the byte, those that are missing or damaged are made again. */
static void a_resumed_run_has_each_event_once(void **state)
{
    (void)state;
    static const char *const lines[] = {SFT, GRPO, GRPO, GRPO};
    struct place p;
    struct buf record = {0};
    place_make(&p);
    struct buf first = write_events(&p, lines, 4);
    const struct {
        size_t cut;     /* bytes lost at the end */
        int damaged;    /* byte of the file that is another one, -1: none */
        int lines_left; /* of metrics */
        bool same;      /* what is there at first are the former bytes */
    } rows[] = {{0, -1, 2, true}, {20, -1, 4, true}, {first.len, -1, 4, false}, {0, 50, 4, false}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf metrics = {0}, old = {0};
        buf_str(&old, str_make(first.s, first.len - rows[i].cut));
        if (rows[i].damaged >= 0)
            old.s[rows[i].damaged] ^= 1;
        for (int k = 0; k < rows[i].lines_left; k++)
            buf_printf(&metrics, "%s\n", lines[k]);
        assert_int_equal(file_replace(p.events, buf_view(&old), NULL), 0);
        assert_int_equal(file_replace(p.metrics, buf_view(&metrics), NULL), 0);
        struct buf file = write_events(&p, (const char *const[]){GRPO}, 1);
        size_t at = 0, kept = first.len / 2;
        assert_int_equal(memcmp(file.s, first.s, kept) == 0, rows[i].same);
        assert_true(next_record(&file, &at, &record));
        assert_true(next_record(&file, &at, &record));
        expect(&record, "sft/loss", 1);
        for (int k = 1; k <= rows[i].lines_left; k++) {
            assert_true(next_record(&file, &at, &record));
            expect(&record, "train/a", k);
        }
        assert_false(next_record(&file, &at, &record));
        buf_free(&metrics);
        buf_free(&old);
        buf_free(&file);
    }
    buf_free(&first);
    buf_free(&record);
    place_remove(&p);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct events *e;
    struct err err = {0};
    assert_int_equal(events_open("/nonexistent/" EVENTS_NAME, "/nonexistent/m", &e, &err), -ENOENT);
    assert_non_null(strstr(err.text, "/nonexistent/"));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums_are_the_standards),
        cmocka_unit_test(records_are_framed),
        cmocka_unit_test(lines_become_events),
        cmocka_unit_test(a_resumed_run_has_each_event_once),
        cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
