/* Values across the wire: round trips, subclasses and lies, and bytes that nobody should have
 * sent. */
#include "sandbox_harness.h"

#include <dirent.h>

#include "tests/fuzz/fuzz_value.c"

static int open_python(void **state)
{
    (void)state;
    start_python();
    return 0;
}

/* A Python expression, encoded and decoded, as repr. */
static const char *trip(const char *expression)
{
    static char text[4096];
    struct buf bytes = {0};
    put_python(&bytes, expression);
    const uint8_t *at = (const uint8_t *)bytes.s, *end = at + bytes.len;
    show_value(&at, end, text, sizeof text);
    assert_ptr_equal(at, end);
    buf_free(&bytes);
    return text;
}

static void plain_values_return(void **state)
{
    (void)state;
    static const char *const same[] = {
        "None",
        "True",
        "False",
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "-9223372036854775809",
        "0.1",
        "-0.0",
        "inf",
        "nan",
        "(1.5-2j)",
        "''",
        "'é€😀'",
        "b'\\x00\\xff'",
        "bytearray(b'x')",
        "[]",
        "()",
        "{}",
        "set()",
        "frozenset({1})",
        "[1, (2,), {'a': [None]}]",
        "{(1, 2): {3}}",
        "{'b': 1, 'a': 2}",
    };
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        char expression[128];
        bool named = strcmp(same[i], "inf") == 0 || strcmp(same[i], "nan") == 0;
        snprintf(expression, sizeof expression, named ? "float('%s')" : "%s", same[i]);
        assert_string_equal(trip(expression), same[i]);
    }
    assert_string_equal(trip("'\\ud800'"), "'\\ud800'");
    assert_string_equal(trip("1 << 5000 == 1 << 5000 and (1 << 5000).bit_length()"), "5001");
    assert_string_equal(trip("-(1 << 71)"), "-2361183241434822606848");
}

static void module_values_return(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"decimal", "Decimal('1.10')"},
        {"decimal", "Decimal('-Infinity')"},
        {"decimal", "Decimal('NaN')"},
        {"decimal", "Decimal('1E+999')"},
        {"fractions", "Fraction(-3, 7)"},
        {"datetime", "datetime.date(2024, 2, 29)"},
        {"datetime", "datetime.time(1, 2, 3, 4)"},
        {"datetime", "datetime.time(1, 2, fold=1)"},
        {"datetime", "datetime.datetime(2024, 2, 29, 1, 2, 3, 4)"},
        {"datetime", "datetime.datetime(2024, 2, 29, 0, 0, tzinfo=datetime.timezone.utc)"},
        {"datetime", "datetime.timedelta(days=-1, seconds=5, microseconds=6)"},
        {"datetime", "datetime.timezone(datetime.timedelta(seconds=3600))"},
        {"datetime", "datetime.timezone(datetime.timedelta(days=-1, seconds=82800))"},
    };
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        char expression[256];
        bool whole = strncmp(same[i][1], "datetime", 8) == 0;
        snprintf(expression, sizeof expression, "(lambda %s: %s%s%s)(__import__('%s'))", same[i][0],
                 whole ? "" : same[i][0], whole ? "" : ".", same[i][1], same[i][0]);
        assert_string_equal(trip(expression), same[i][1]);
    }
}

static void subclasses_are_what_they_store(void **state)
{
    (void)state;
    assert_string_equal(trip("__import__('enum').IntEnum('E', 'A B').B"), "2");
    assert_string_equal(trip("(lambda d: (d.move_to_end('a'), "
                             "d)[1])(__import__('collections').OrderedDict(a=1, b=2))"),
                        "OrderedDict([('b', 2), ('a', 1)])");
    /* Whatever they say of themselves. */
    assert_string_equal(
        trip("type('L', (float,), {'__eq__': lambda s, o: True, '__float__': lambda s: 9.0, "
             "'__repr__': lambda s: 'x'})(1.5)"),
        "1.5");
    assert_string_equal(
        trip("type('L', (int,), {'__int__': lambda s: 9, '__index__': lambda s: 9})(1 << 70)"),
        "1180591620717411303424");
    assert_string_equal(
        trip("type('L', (list,), {'__iter__': lambda s: iter('no'), '__len__': lambda s: 9})([1])"),
        "[1]");
    assert_string_equal(trip("type('L', (str,), {'__str__': lambda s: 0, 'encode': 0})('é')"),
                        "'é'");
    assert_string_equal(trip("type('L', (dict,), {'items': None, 'keys': None})(a=1)"), "{'a': 1}");
    assert_string_equal(trip("type('L', (tuple,), {'__class__': int})((1,))"), "(1,)");
}

static void library_values_return(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"builtins", "Ellipsis"},
        {"builtins", "NotImplemented"},
        {"builtins", "range(0, 9, 2)"},
        {"builtins", "slice(1, None, 3)"},
        {"builtins", "<class 'int'>"},
        {"collections", "Counter({'a': 2, 'b': 1})"},
        {"collections", "OrderedDict([('b', 1), ('a', 2)])"},
        {"collections", "defaultdict(<class 'list'>, {'k': [1]})"},
        {"collections", "deque([1, [2]], maxlen=3)"},
        {"array", "array('i', [1, -2])"},
        {"builtins", "dict_keys(['a'])"},
        {"builtins", "dict_values([1, 1])"},
        {"builtins", "dict_items([('a', 1)])"},
        {"uuid", "UUID('00000000-0000-0000-0000-000000000005')"},
        {"pathlib", "PosixPath('/a/b')"},
        {"pathlib", "PurePosixPath('c')"},
        {"re", "re.compile('a+', re.IGNORECASE)"},
        {"builtins", "P(x=1, y=[2])"},
        {"builtins", "ValueError(1, 'x')"},
        {"builtins", "FileNotFoundError(2, 'no')"},
    };
    static const char *const made[] = {
        "...",
        "NotImplemented",
        "range(0, 9, 2)",
        "slice(1, None, 3)",
        "int",
        "m.Counter('aab')",
        "m.OrderedDict([('b', 1), ('a', 2)])",
        "m.defaultdict(list, {'k': [1]})",
        "m.deque([1, [2]], maxlen=3)",
        "m.array('i', [1, -2])",
        "{'a': 1}.keys()",
        "{1: 1, 2: 1}.values()",
        "{'a': 1}.items()",
        "m.UUID(int=5)",
        "m.Path('/a/b')",
        "m.PurePosixPath('c')",
        "m.compile('a+', m.I)",
        "__import__('collections').namedtuple('P', 'x y')(1, [2])",
        "ValueError(1, 'x')",
        "OSError(2, 'no', 'file')",
    };
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        char expression[256];
        snprintf(expression, sizeof expression, "(lambda m: %s)(__import__('%s'))", made[i],
                 same[i][0]);
        assert_string_equal(trip(expression), same[i][1]);
    }
}

/* One list twice is one list twice over there. */
static void aliases_return(void **state)
{
    (void)state;
    struct buf bytes = {0};
    int code = 0;
    put_python(&bytes, "(lambda x, d: [x, (x, d), {'k': x, 'd': d}])([1], {})");
    const uint8_t *at = (const uint8_t *)bytes.s;
    PyObject *value = value_decode(&at, at + bytes.len, NULL, &code);
    assert_non_null(value);
    PyObject *list = PyList_GET_ITEM(value, 0), *tuple = PyList_GET_ITEM(value, 1);
    PyObject *dict = PyList_GET_ITEM(value, 2);
    assert_ptr_equal(PyTuple_GET_ITEM(tuple, 0), list);
    assert_ptr_equal(PyDict_GetItemString(dict, "k"), list);
    assert_ptr_equal(PyDict_GetItemString(dict, "d"), PyTuple_GET_ITEM(tuple, 1));
    Py_DECREF(value);
    buf_free(&bytes);
}

/* More containers than are looked for one by one. */
static void many_aliases_return(void **state)
{
    (void)state;
    assert_string_equal(trip("(lambda xs: (xs + xs)[99][0])([[i] for i in range(100)])"), "99");
    assert_string_equal(
        trip("(lambda v: [sum(map(len, v)), len(v)])([[i] * (i % 3) for i in range(300)] * 2)"),
        "[600, 600]");
    struct buf bytes = {0};
    int code = 0;
    put_python(&bytes, "(lambda xs: xs + xs)([[i] for i in range(100)])");
    const uint8_t *at = (const uint8_t *)bytes.s;
    PyObject *value = value_decode(&at, at + bytes.len, NULL, &code);
    assert_non_null(value);
    for (int i = 0; i < 100; i++)
        assert_ptr_equal(PyList_GET_ITEM(value, i), PyList_GET_ITEM(value, i + 100));
    Py_DECREF(value);
    buf_free(&bytes);
}

static int encode(const char *expression, size_t bytes_max)
{
    struct buf bytes = {0};
    PyObject *value = python(expression);
    int rc = value_encode(value, NULL, bytes_max, &bytes);
    assert_null(PyErr_Occurred());
    Py_DECREF(value);
    buf_free(&bytes);
    return rc;
}

static void what_cannot_cross_is_refused(void **state)
{
    (void)state;
    assert_int_equal(encode("object()", 1 << 20), -EINVAL);
    assert_int_equal(encode("[lambda: 0]", 1 << 20), -EINVAL);
    assert_int_equal(encode("(lambda x: (x.append(x), x)[1])([])", 1 << 20), -ELOOP);
    assert_int_equal(encode("'x' * 1000", 1000), -E2BIG);
    assert_int_equal(encode("'x' * 995", 1000), 0);
    assert_int_equal(encode("[0] * 1000", 1000), -E2BIG);
    assert_int_equal(encode("[None] * ((4 << 20) + 1)", 64 << 20), -E2BIG);
    /* Small in memory, large as a tree: at once, for lists, and soon for tuples. */
    int64_t before = cpu_ns();
    assert_int_equal(
        encode(
            "(lambda f, x: f(f, x, 40))(lambda f, x, n: x if n == 0 else f(f, [x, x], n - 1), 0)",
            32 << 20),
        -E2BIG);
    assert_int_equal(
        encode("(lambda f, x: f(f, x, 40))(lambda f, x, n: x if n == 0 else f(f, (x, x), "
               "n - 1), 0)",
               64 << 20),
        -E2BIG);
    assert_true(cpu_ns() - before < 2 * (int64_t)NS_PER_S);
    /* No type with code of its own passes for a date. */
    assert_int_equal(
        encode(
            "__import__('datetime').time(tzinfo=type('Z', (__import__('datetime').tzinfo,), {})())",
            1 << 20),
        -EINVAL);
}

static int decode(const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    int code = 0;
    PyObject *value = value_decode(&at, at + n, NULL, &code);
    assert_null(PyErr_Occurred());
    Py_XDECREF(value);
    return value ? 0 : code;
}

#define BYTES(literal) decode(literal, sizeof literal - 1)

/* Two lists, one of which occurs twice. */
static void flat_values_share_nothing(void **state)
{
    struct value_memo memo = {0}, flat = {.flat = true};
    struct buf shared = {0}, apart = {0};
    int code = 0;
    (void)state;
    PyObject *inner = Py_BuildValue("[i]", 1);
    PyObject *outer = Py_BuildValue("[OO]", inner, inner);
    assert_int_equal(value_encode_with(&memo, outer, NULL, 1 << 20, &shared), 0);
    assert_int_equal(value_encode_with(&flat, outer, NULL, 1 << 20, &apart), 0);
    assert_true(shared.len < apart.len);
    const uint8_t *at = (const uint8_t *)apart.s;
    PyObject *back = value_decode_with(&flat, &at, at + apart.len, NULL, &code);
    assert_non_null(back);
    assert_int_equal(PyObject_RichCompareBool(back, outer, Py_EQ), 1);
    assert_ptr_not_equal(PyList_GET_ITEM(back, 0), PyList_GET_ITEM(back, 1));
    at = (const uint8_t *)shared.s;
    assert_null(value_decode_with(&flat, &at, at + shared.len, NULL, &code));
    assert_int_equal(code, -EBADMSG);
    assert_int_equal(PyList_Append(inner, inner), 0);
    buf_clear(&apart);
    assert_int_equal(value_encode_with(&flat, inner, NULL, 1 << 20, &apart), -ELOOP);
    PyList_SetSlice(inner, 0, 2, NULL);
    Py_DECREF(back);
    Py_DECREF(outer);
    Py_DECREF(inner);
    value_memo_free(&memo);
    value_memo_free(&flat);
    buf_free(&shared);
    buf_free(&apart);
}

static void hostile_bytes_are_refused(void **state)
{
    (void)state;
    assert_int_equal(BYTES("N"), 0);
    assert_int_equal(BYTES(""), -EBADMSG);
    assert_int_equal(BYTES("?"), -EBADMSG);
    assert_int_equal(BYTES("i\1\2"), -EBADMSG);
    assert_int_equal(BYTES("s\xff\xff\xff\xff"), -EBADMSG);
    assert_int_equal(BYTES("s\1\0\0\0\xff"), -EBADMSG); /* no UTF-8 */
    assert_int_equal(BYTES("l\xff\xff\xff\xffN"), -EBADMSG);
    assert_int_equal(BYTES("l\0\0\0\1N"), -EBADMSG);          /* 16 million items, one byte */
    assert_int_equal(BYTES("d\1\0\0\0l\0\0\0\0N"), -EBADMSG); /* a list as a key */
    assert_int_equal(BYTES("S\1\0\0\0l\0\0\0\0"), -EBADMSG);
    assert_int_equal(BYTES("S\2\0\0\0NT"), 0);
    assert_int_equal(BYTES("S\2\0\0\0NN"), -EBADMSG); /* twice the same member */
    assert_int_equal(BYTES("Z\2\0\0\0Ti\1\0\0\0\0\0\0\0"), -EBADMSG);
    assert_int_equal(BYTES("d\2\0\0\0NTNF"), -EBADMSG);
    assert_int_equal(BYTES("H\1\0\0\0"), -EBADMSG); /* no hook, no handle */
    assert_int_equal(BYTES("D\3\0\0\0abc"), -EBADMSG);
    assert_int_equal(BYTES("D\4\0\0\0"
                           "1e5\0"),
                     -EBADMSG);
    assert_int_equal(BYTES("Ri\1\0\0\0\0\0\0\0i\0\0\0\0\0\0\0\0"), -EBADMSG); /* denominator 0 */
    assert_int_equal(BYTES("RNN"), -EBADMSG);
    assert_int_equal(BYTES("M\1\0\0\0\0\1\0\0\0\1\0\0\0"), -EBADMSG); /* year 0 */
    assert_int_equal(BYTES("M\11"), -EBADMSG);
    assert_int_equal(BYTES("M\5\0\0\0\x7f\0\0\0\0"), -EBADMSG);
    assert_int_equal(BYTES("r\0\0\0\0"), -EBADMSG);
    assert_int_equal(BYTES("l\1\0\0\0r\0\0\0\0"), -EBADMSG); /* a list that holds itself */
    assert_int_equal(BYTES("l\2\0\0\0l\0\0\0\0r\1\0\0\0"), 0);
    assert_int_equal(BYTES("l\2\0\0\0l\0\0\0\0r\2\0\0\0"), -EBADMSG);
    assert_int_equal(BYTES("k\377"), -EBADMSG);
    assert_int_equal(BYTES("Y\4\0\0\0exec"), -EBADMSG); /* a guest names types of data only */
    assert_int_equal(BYTES("Y\4\0\0\0list"), 0);
    assert_int_equal(BYTES("xNNNNNN"), -EBADMSG);
    assert_int_equal(BYTES("XNNNN"), -EBADMSG);
}

/* Forty lists of two references each would be a tree of 2^40 nodes. */
static void a_fan_is_refused(void **state)
{
    (void)state;
    struct buf bytes = {0};
    for (int i = 0; i < 40; i++)
        buf_add(&bytes, "l\2\0\0\0", 5);
    buf_add(&bytes, "l\0\0\0\0", 5);
    for (uint32_t i = 40; i > 0; i--) {
        buf_char(&bytes, 'r');
        buf_add(&bytes, &i, 4);
    }
    assert_int_equal(decode(bytes.s, bytes.len), -EBADMSG);
    buf_free(&bytes);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    struct buf bytes = {0};
    put_python(&bytes,
               "[1, 1 << 99, 2.5, 1j, 'text', b'b', bytearray(b'c'), (1, 2), {'k': {3}}, "
               "frozenset({4}), True,"
               " __import__('decimal').Decimal('1.5'), __import__('fractions').Fraction(1, 3),"
               " __import__('datetime').datetime(2024, 1, 1, "
               "tzinfo=__import__('datetime').timezone.utc)]");
    assert_int_equal(decode(bytes.s, bytes.len), 0);
    for (size_t n = 0; n < bytes.len; n++)
        assert_int_equal(decode(bytes.s, n), -EBADMSG);
    buf_free(&bytes);
}

static void bombs_are_refused(void **state)
{
    (void)state;
    struct buf deep = {0}, wide = {0};
    for (int i = 0; i < 100000; i++)
        buf_add(&deep, "l\1\0\0\0", 5);
    buf_char(&deep, 'N');
    assert_int_equal(decode(deep.s, deep.len), -EBADMSG);
    buf_free(&deep);
    /* 64 lists that each hold more nodes than half of what is allowed. */
    uint32_t outer = 64, inner = VALUE_NODES_MAX / 2 + 1;
    buf_char(&wide, 'l');
    buf_add(&wide, &outer, 4);
    for (int i = 0; i < 3; i++) {
        buf_char(&wide, 'l');
        buf_add(&wide, &inner, 4);
        for (uint32_t j = 0; j < inner; j++)
            buf_char(&wide, 'N');
    }
    assert_int_equal(decode(wide.s, wide.len), -EBADMSG);
    buf_free(&wide);
}

/* Keys that share one hash would take quadratic time to put in a table. */
static void colliding_keys_are_refused(void **state)
{
    (void)state;
    struct buf set = {0};
    const uint32_t n = 200000;
    for (int kind = 0; kind < 2; kind++) {
        buf_clear(&set);
        buf_char(&set, kind ? 'd' : 'S');
        buf_add(&set, &n, 4);
        for (uint32_t i = 1; i <= n; i++) {
            unsigned __int128 key = (((unsigned __int128)1 << 61) - 1) * i; /* hash 0 */
            uint32_t len = sizeof key;
            buf_char(&set, 'I');
            buf_add(&set, &len, 4);
            buf_add(&set, &key, sizeof key);
            if (kind)
                buf_char(&set, 'N');
        }
        int64_t before = cpu_ns();
        assert_int_equal(decode(set.s, set.len), -EBADMSG);
        assert_true(cpu_ns() - before < 2 * (int64_t)NS_PER_S);
    }
    buf_free(&set);
    assert_string_equal(trip("len({i: 0 for i in range(100000)})"), "100000");
}

static void the_corpus_holds(void **state)
{
    (void)state;
    DIR *dir = opendir("tests/fuzz/corpus/value");
    struct dirent *entry;
    int n = 0;
    if (!dir)
        skip();
    while ((entry = readdir(dir))) {
        char path[512];
        uint8_t bytes[4096];
        snprintf(path, sizeof path, "tests/fuzz/corpus/value/%s", entry->d_name);
        FILE *f = entry->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (!f)
            continue;
        size_t len = fread(bytes, 1, sizeof bytes, f);
        fclose(f);
        LLVMFuzzerTestOneInput(bytes, len);
        /* And its neighbours: one byte changed. */
        for (size_t i = 0; i < len && i < 64; i++) {
            uint8_t old = bytes[i];
            for (int j = 0; j < 8; j++) {
                bytes[i] = old ^ (uint8_t)(1 << j);
                LLVMFuzzerTestOneInput(bytes, len);
            }
            bytes[i] = old;
        }
        n++;
    }
    closedir(dir);
    assert_true(n >= 10);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_values_return),
        cmocka_unit_test(module_values_return),
        cmocka_unit_test(subclasses_are_what_they_store),
        cmocka_unit_test(library_values_return),
        cmocka_unit_test(aliases_return),
        cmocka_unit_test(many_aliases_return),
        cmocka_unit_test(what_cannot_cross_is_refused),
        cmocka_unit_test(a_fan_is_refused),
        cmocka_unit_test(flat_values_share_nothing),
        cmocka_unit_test(hostile_bytes_are_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(colliding_keys_are_refused),
        cmocka_unit_test(the_corpus_holds),
    };
    return cmocka_run_group_tests(tests, open_python, NULL);
}
