/* pickle.c and unpack.c: what real pickles hold comes out, and nothing that would run gets in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "verifier/problem/stdio.h"

#define BYTES(literal) str_make(literal, sizeof(literal) - 1)

static void expect(struct str pickle, const char *json)
{
    struct err err = {0};
    json_t *made = prb_unpickle(pickle, &err);
    if (!made)
        fail_msg("%s: %s", json, err.text);
    char *text = json_dumps(made, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    assert_string_equal(text, json);
    free(text);
    json_decref(made);
}

static void refuse(struct str pickle, const char *part)
{
    struct err err = {0};
    json_t *made = prb_unpickle(pickle, &err);
    if (made || !strstr(err.text, part))
        fail_msg("wanted `%s`, got `%s`", part, made ? "a value" : err.text);
}

/* Written by Python: pickle.dumps(value, protocol). */
static void plain_data(void **state)
{
    (void)state;
    expect(BYTES("N."), "null");
    expect(BYTES("\x80\x04\x88."), "true");
    expect(BYTES("\x80\x02K\xff."), "255");
    expect(BYTES("\x80\x02M\xff\xff."), "65535");
    expect(BYTES("\x80\x02J\xff\xff\xff\xff."), "-1");
    expect(BYTES("\x80\x02\x8a\x06\x00\x00\x00\x00\x00\x01."), "1099511627776");
    expect(BYTES("\x80\x02\x8a\x05\x00\x00\x00\x00\xff."), "-4294967296");
    expect(BYTES("\x80\x02\x8a\x00."), "0");
    expect(BYTES("\x80\x03G?\xf8\x00\x00\x00\x00\x00\x00."), "1.5");
    expect(BYTES("I01\n."), "true");
    expect(BYTES("I-12\n."), "-12");
    expect(BYTES("L12345678901L\n."), "12345678901");
    expect(BYTES("F2.5\n."), "2.5");
    expect(BYTES("\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01"
                 "a\x94."),
           "\"a\"");
    expect(BYTES("\x80\x03X\x02\x00\x00\x00\xc3\xa4q\x00."), "\"\u00e4\"");
    expect(BYTES("\x80\x03"
                 "C\x02hiq\x00."),
           "\"hi\"");
    expect(BYTES("\x80\x04]\x94(K\x01K\x02]\x94"
                 "e."),
           "[1,2,[]]");
    expect(BYTES("\x80\x02)."), "[]");
    expect(BYTES("\x80\x02K\x01\x85q\x00."), "[1]");
    expect(BYTES("\x80\x02K\x01K\x02K\x03\x87q\x00."), "[1,2,3]");
    expect(BYTES("(I1\nI2\ntp0\n."), "[1,2]");
    expect(BYTES("(lp0\nI7\na."), "[7]");
    expect(BYTES("\x80\x04}\x94(\x8c\x01"
                 "a\x94K\x01\x8c\x01"
                 "b\x94Nu."),
           "{\"a\":1,\"b\":null}");
    expect(BYTES("\x80\x04}\x94\x8c\x01"
                 "a\x94K\x01s."),
           "{\"a\":1}");
    /* x = ['s']; [x, x]: the memo. */
    expect(BYTES("\x80\x04]\x94(]\x94\x8c\x01s\x94"
                 "ah\x01"
                 "e."),
           "[[\"s\"],[\"s\"]]");
}

static void nothing_runs(void **state)
{
    static const char *const calls[] = {"GLOBAL", "REDUCE", "BUILD",     "INST", "OBJ",
                                        "PERSID", "NEWOBJ", "NEWOBJ_EX", "EXT1", "STACK_GLOBAL"};
    static const struct str bytes[] = {STR("cos\nsystem\n(S'true'\ntR."),
                                       STR("R."),
                                       STR("b."),
                                       STR("(ios\nsystem\n."),
                                       STR("(o."),
                                       STR("Px\n."),
                                       STR("\x80\x02\x81."),
                                       STR("\x80\x04\x92."),
                                       STR("\x80\x02\x82\x01."),
                                       STR("\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94.")};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bytes); i++)
        refuse(bytes[i], calls[i]);
    for (int op = 0; op < 256; op++) {
        /* Every instruction alone: a message, never a value made of nothing. */
        char code[] = {(char)op, '.'};
        struct err err = {0};
        json_t *made = prb_unpickle(str_make(code, 2), &err);
        assert_true(made ? strchr("N)]}", op) || op == 0x88 || op == 0x89 : err.text[0] != 0);
        json_decref(made);
    }
}

static void malformed(void **state)
{
    (void)state;
    refuse(BYTES(""), "breaks off");
    refuse(BYTES("\x80\x04"), "breaks off");
    refuse(BYTES("."), "not one value");
    refuse(BYTES("NN."), "not one value");
    refuse(BYTES("(."), "nothing on the stack");
    refuse(BYTES("\x80\x09N."), "from the future");
    refuse(BYTES("X\xff\xff\xff\xff"
                 "a."),
           "breaks off");
    refuse(BYTES("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
                 "a."),
           "breaks off");
    refuse(BYTES("U\x01\xff."), "UTF-8");
    refuse(BYTES("e."), "no mark");
    refuse(BYTES("(e."), "nothing on the stack");
    refuse(BYTES("(Ku."), "");
    refuse(BYTES("}(K\x01u."), "without a value");
    refuse(BYTES("}(K\x01K\x02u."), "no text");
    refuse(BYTES("K\x01K\x02"
                 "a."),
           "no list");
    refuse(BYTES("h\x05."), "memo");
    refuse(BYTES("r\xff\xff\xff\xffN."), "memo of nothing");
    refuse(BYTES("Nr\xff\xff\xff\x7f."), "memo of nothing");
    refuse(BYTES("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01."), "64 bits");
    refuse(BYTES("G\x7f\xf0\x00\x00\x00\x00\x00\x00."), "not finite");
    refuse(BYTES("I99999999999999999999\n."), "malformed");
    refuse(BYTES("Fnan\n."), "not finite");
    refuse(BYTES("I1x\n."), "malformed");
}

/* Values inside themselves, and values that are far larger than their text. */
static void no_bombs(void **state)
{
    struct buf bomb = {0};
    (void)state;
    refuse(BYTES("\x80\x04]\x94h\x00"
                 "a."),
           "changes after it was used");
    refuse(BYTES("]q\x00]q\x01h\x00"
                 "ah\x01"
                 "a."),
           "changes after it was used");
    /* [[], []] of the previous one, 60 times over: 2^60 values. */
    buf_puts(&bomb, "(]q");
    buf_char(&bomb, 0);
    for (int i = 0; i < 60; i++) {
        buf_puts(&bomb, "](h");
        buf_char(&bomb, (char)i);
        buf_char(&bomb, 'h');
        buf_char(&bomb, (char)i);
        buf_puts(&bomb, "eq");
        buf_char(&bomb, (char)(i + 1));
    }
    buf_puts(&bomb, "t.");
    refuse(buf_view(&bomb), "too many values");
    buf_clear(&bomb);
    for (int i = 0; i < 500; i++)
        buf_puts(&bomb, "(");
    for (int i = 0; i < 500; i++)
        buf_puts(&bomb, "t");
    buf_puts(&bomb, ".");
    refuse(buf_view(&bomb), "too deep");
    buf_clear(&bomb);
    buf_reserve(&bomb, 9 << 20);
    memset(bomb.s, 'N', 9 << 20);
    bomb.len = 9 << 20;
    refuse(buf_view(&bomb), "too many values");
    buf_free(&bomb);
}

static void unpacking(void **state)
{
    struct buf out = {0};
    struct err err = {0};
    (void)state;
    /* base64.b64encode(zlib.compress(b"hello")), with a line break in it. */
    assert_int_equal(prb_unpack(STR("eJzLSM3J\nyQcABiwCFQ=="), 100, &out, &err), 0);
    assert_string_equal(out.s, "hello");
    buf_clear(&out);
    assert_int_equal(prb_unpack(STR("eJzLSM3JyQcABiwCFQ=="), 4, &out, &err), -EFBIG);
    static const struct {
        struct str text;
        const char *part;
    } bad[] = {
        {STR("eJzLSM3JyQcABiwCF!=="), "not base64"}, {STR("eJzLS"), "truncated base64"},
        {STR("eJzLSM3JyQcABiwC"), "not zlib data"},  {STR(""), "not zlib data"},
        {STR("aGVsbG8="), "not zlib data"},          {STR("eJzLSM3JyQcABiwCFQ==x"), "base64"}};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        buf_clear(&out);
        assert_int_equal(prb_unpack(bad[i].text, 100, &out, &err), -EINVAL);
        if (!strstr(err.text, bad[i].part))
            fail_msg("%.*s: %s", (int)bad[i].text.len, bad[i].text.s, err.text);
    }
    buf_free(&out);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_data), cmocka_unit_test(nothing_runs), cmocka_unit_test(malformed),
        cmocka_unit_test(no_bombs),   cmocka_unit_test(unpacking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
