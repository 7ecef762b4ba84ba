/* pickle.c: Python's pickle read as data.
 *
 * A pickle is a program for a small stack machine: most instructions build plain values, a few
 * look up functions and call them. Here only the first kind exists. Everything that could name,
 * call or build an object of a class (GLOBAL, REDUCE, BUILD, INST, OBJ, NEWOBJ, persistent ids,
 * the extension registry, out-of-band buffers) is an error, and so is every unknown instruction.
 *
 * The memo lets a value be used several times, and a short pickle could so describe an endless
 * or astronomically large one. Hence a container is frozen once it was fetched from the memo or
 * put into another one (CPython's own pickler never changes it after that), which rules cycles
 * out; and each value knows how many values it spells out to, which is capped, as is its depth.
 *
 * None, bool, int (64 bits), finite float, str, bytes (UTF-8), list, tuple, and dict with str
 * keys become JSON. Protocols 1 to 5, and 0 but for its texts. */
#include <math.h>

#include "stdio.h"

enum { DEPTH_MAX = 100, VALUES_MAX = 4 << 20 };

struct cell {
    json_t *json;   /* NULL: a mark */
    uint32_t depth; /* 1 for a scalar */
    uint64_t count; /* of values in it, itself included */
    bool frozen;
};

struct machine {
    struct str code;
    struct err *err;
    struct cell **stack, **memo, **all; /* `all` owns them */
    size_t n_stack, cap_stack, n_memo, cap_memo, n_all, cap_all;
};

static int fail(struct machine *m, const char *what)
{
    return err_set(m->err, -EINVAL, "pickle: %s", what);
}

static void push_to(struct cell ***v, size_t *n, size_t *cap, struct cell *c)
{
    if (*n == *cap)
        *v = xrealloc(*v, *cap = *cap ? 2 * *cap : 64, sizeof(struct cell *));
    (*v)[(*n)++] = c;
}

static struct cell *push(struct machine *m, json_t *json)
{
    struct cell *c = xcalloc(1, sizeof *c);
    *c = (struct cell){.json = json, .depth = 1, .count = 1};
    push_to(&m->all, &m->n_all, &m->cap_all, c);
    push_to(&m->stack, &m->n_stack, &m->cap_stack, c);
    return c;
}

static int push_value(struct machine *m, json_t *json, const char *otherwise)
{
    if (!json)
        return fail(m, otherwise);
    push(m, json);
    return 0;
}

/* ---- operands -------------------------------------------------------------------------------- */

static int take_bytes(struct machine *m, uint64_t n, struct str *ret)
{
    *ret = STR("");
    if (n > m->code.len)
        return fail(m, "it breaks off");
    *ret = str_make(m->code.s, (size_t)n);
    m->code = str_from(m->code, (size_t)n);
    return 0;
}

static int take_size(struct machine *m, size_t width, uint64_t *ret)
{
    struct str bytes;
    *ret = 0;
    TRY(take_bytes(m, width, &bytes));
    for (size_t i = 0; i < width; i++)
        *ret |= (uint64_t)(unsigned char)bytes.s[i] << 8 * i;
    return 0;
}

static int take_line(struct machine *m, struct str *ret)
{
    ptrdiff_t end = str_find(m->code, STR("\n"), 0);
    if (end < 0)
        return fail(m, "it breaks off");
    TRY(take_bytes(m, (uint64_t)end, ret));
    m->code = str_from(m->code, 1);
    return 0;
}

/* ---- scalars --------------------------------------------------------------------------------- */

static int push_text(struct machine *m, size_t width)
{
    uint64_t n;
    struct str bytes;
    TRY(take_size(m, width, &n));
    TRY(take_bytes(m, n, &bytes));
    return push_value(m, json_stringn(bytes.s, bytes.len), "a string that is no UTF-8");
}

static int push_int(struct machine *m, size_t width, bool is_signed)
{
    uint64_t v;
    TRY(take_size(m, width, &v));
    return push_value(m, json_integer(is_signed ? (int32_t)(uint32_t)v : (json_int_t)v), "");
}

/* Two's complement, little-endian, of any length. */
static int push_long(struct machine *m, size_t width)
{
    uint64_t n, v = 0;
    struct str bytes;
    TRY(take_size(m, width, &n));
    TRY(take_bytes(m, n, &bytes));
    if (n > 8)
        return fail(m, "an integer of more than 64 bits");
    if (n > 0 && bytes.s[n - 1] < 0)
        v = UINT64_MAX;
    for (size_t i = 0; i < n; i++)
        v = (v & ~((uint64_t)0xff << 8 * i)) | (uint64_t)(unsigned char)bytes.s[i] << 8 * i;
    return push_value(m, json_integer((json_int_t)v), "");
}

static int push_real(struct machine *m, double v)
{
    return push_value(m, isfinite(v) ? json_real(v) : NULL, "a float that is not finite");
}

static int push_float(struct machine *m)
{
    struct str bytes;
    uint64_t bits = 0;
    double v;
    TRY(take_bytes(m, 8, &bytes));
    for (size_t i = 0; i < 8; i++)
        bits = bits << 8 | (unsigned char)bytes.s[i];
    memcpy(&v, &bits, sizeof v);
    return push_real(m, v);
}

/* Protocol 0's numbers: a line of digits; "00" and "01" are False and True. */
static int push_line_number(struct machine *m, bool real)
{
    struct str line;
    char text[64], *end;
    TRY(take_line(m, &line));
    if (line.len && line.s[line.len - 1] == 'L')
        line.len--;
    if (line.len == 0 || line.len >= sizeof text || memchr(line.s, 0, line.len))
        return fail(m, "a malformed number");
    memcpy(text, line.s, line.len);
    text[line.len] = 0;
    if (!real && line.len == 2 && text[0] == '0' && (text[1] == '0' || text[1] == '1'))
        return push_value(m, json_boolean(text[1] == '1'), "");
    errno = 0;
    double d = real ? strtod(text, &end) : 0;
    long long i = real ? 0 : strtoll(text, &end, 10);
    if (*end || end == text || errno)
        return fail(m, "a malformed number, or one that does not fit");
    return real ? push_real(m, d) : push_value(m, json_integer(i), "");
}

/* ---- containers ------------------------------------------------------------------------------ */

static int pop(struct machine *m, struct cell **ret)
{
    if (m->n_stack == 0 || !m->stack[m->n_stack - 1]->json)
        return fail(m, "nothing on the stack");
    *ret = m->stack[--m->n_stack];
    return 0;
}

/* How many values lie above the topmost mark, which is taken away. */
static int take_mark(struct machine *m, size_t *ret_first)
{
    size_t at = m->n_stack;
    while (at > 0 && m->stack[at - 1]->json)
        at--;
    if (at == 0)
        return fail(m, "no mark on the stack");
    memmove(&m->stack[at - 1], &m->stack[at], (m->n_stack - at) * sizeof(struct cell *));
    m->n_stack--;
    *ret_first = at - 1;
    return 0;
}

static int contain(struct machine *m, struct cell *into, struct cell *item)
{
    if (into->frozen)
        return fail(m, "a value that changes after it was used");
    if (item == into)
        return fail(m, "a value inside itself");
    item->frozen = true;
    into->count += item->count;
    if (item->depth + 1 > into->depth)
        into->depth = item->depth + 1;
    if (into->count > VALUES_MAX || into->depth > DEPTH_MAX)
        return fail(m, "too many values, or too deep");
    return 0;
}

static int append(struct machine *m, struct cell *list, struct cell *item)
{
    if (!json_is_array(list->json))
        return fail(m, "an item for what is no list");
    TRY(contain(m, list, item));
    json_array_append(list->json, item->json);
    return 0;
}

static int set_item(struct machine *m, struct cell *dict, struct cell *key, struct cell *value)
{
    const char *name = json_string_value(key->json);
    if (!json_is_object(dict->json) || !name || strlen(name) != json_string_length(key->json))
        return fail(m, "a key that is no text, or an item for what is no dict");
    TRY(contain(m, dict, value));
    json_object_set(dict->json, name, value->json);
    return 0;
}

/* Puts the values from stack[first] on into the container below them. */
static int fill(struct machine *m, size_t first, bool dict)
{
    if (first == 0 || !m->stack[first - 1]->json)
        return fail(m, "nothing on the stack");
    struct cell *into = m->stack[first - 1];
    if (dict && (m->n_stack - first) % 2)
        return fail(m, "a key without a value");
    for (size_t i = first; i < m->n_stack; i += dict ? 2 : 1)
        TRY(dict ? set_item(m, into, m->stack[i], m->stack[i + 1]) : append(m, into, m->stack[i]));
    m->n_stack = first;
    return 0;
}

/* Takes the values from stack[first] on away and puts a new container of them there. */
static int collect(struct machine *m, size_t first, bool dict)
{
    json_t *json = dict ? json_object() : json_array();
    struct cell *made = push(m, json);
    memmove(&m->stack[first + 1], &m->stack[first],
            (m->n_stack - 1 - first) * sizeof(struct cell *));
    m->stack[first] = made;
    return fill(m, first + 1, dict);
}

static int collect_few(struct machine *m, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (m->n_stack <= i || !m->stack[m->n_stack - 1 - i]->json)
            return fail(m, "nothing on the stack");
    return collect(m, m->n_stack - n, false);
}

/* ---- the memo -------------------------------------------------------------------------------- */

static int memo_put(struct machine *m, uint64_t at)
{
    if (m->n_stack == 0 || !m->stack[m->n_stack - 1]->json || at > m->n_all)
        return fail(m, "a memo of nothing");
    while (m->n_memo <= at)
        push_to(&m->memo, &m->n_memo, &m->cap_memo, NULL);
    m->memo[at] = m->stack[m->n_stack - 1];
    return 0;
}

static int memo_get(struct machine *m, uint64_t at)
{
    if (at >= m->n_memo || !m->memo[at])
        return fail(m, "nothing in the memo there");
    m->memo[at]->frozen = true;
    push_to(&m->stack, &m->n_stack, &m->cap_stack, m->memo[at]);
    return 0;
}

/* The memo's position as protocol 0 writes it: a line of digits. */
static int take_position(struct machine *m, uint64_t *ret)
{
    struct str line;
    *ret = 0;
    TRY(take_line(m, &line));
    if (line.len == 0 || line.len > 9)
        return fail(m, "a malformed number");
    for (size_t i = 0; i < line.len; i++) {
        if (line.s[i] < '0' || line.s[i] > '9')
            return fail(m, "a malformed number");
        *ret = *ret * 10 + (uint64_t)(line.s[i] - '0');
    }
    return 0;
}

static int step_memo(struct machine *m, unsigned char op)
{
    uint64_t at = m->n_memo;
    bool lines = op == 'p' || op == 'g', wide = op == 'r' || op == 'j';
    if (lines)
        TRY(take_position(m, &at));
    else if (op != 0x94)
        TRY(take_size(m, wide ? 4 : 1, &at));
    return op == 'g' || op == 'h' || op == 'j' ? memo_get(m, at) : memo_put(m, at);
}

/* ---- instructions ---------------------------------------------------------------------------- */

static int refuse(struct machine *m, unsigned char op)
{
    static const struct {
        unsigned char op;
        const char *name;
    } names[] = {{'c', "GLOBAL"},      {0x93, "STACK_GLOBAL"}, {'R', "REDUCE"},
                 {'b', "BUILD"},       {'i', "INST"},          {'o', "OBJ"},
                 {0x81, "NEWOBJ"},     {0x92, "NEWOBJ_EX"},    {'P', "PERSID"},
                 {'Q', "BINPERSID"},   {0x82, "EXT1"},         {0x83, "EXT2"},
                 {0x84, "EXT4"},       {0x97, "NEXT_BUFFER"},  {0x98, "READONLY_BUFFER"},
                 {0x8f, "EMPTY_SET"},  {0x90, "ADDITEMS"},     {0x91, "FROZENSET"},
                 {0x96, "BYTEARRAY8"}, {'S', "STRING"},        {'V', "UNICODE"}};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (names[i].op == op)
            return err_set(m->err, -EINVAL,
                           "pickle: %s is not read here: only plain data is, and nothing is run",
                           names[i].name);
    return err_set(m->err, -EINVAL, "pickle: unknown instruction 0x%02x", op);
}

static int step_container(struct machine *m, unsigned char op)
{
    struct cell *a, *b;
    size_t first = 0;
    switch (op) {
    case 'a': /* APPEND */
        TRY(pop(m, &a));
        return m->n_stack && m->stack[m->n_stack - 1]->json ? append(m, m->stack[m->n_stack - 1], a)
                                                            : fail(m, "nothing on the stack");
    case 's': /* SETITEM */
        TRY(pop(m, &b));
        TRY(pop(m, &a));
        return m->n_stack && m->stack[m->n_stack - 1]->json
                   ? set_item(m, m->stack[m->n_stack - 1], a, b)
                   : fail(m, "nothing on the stack");
    case 'e': /* APPENDS */
    case 'u': /* SETITEMS */
        TRY(take_mark(m, &first));
        return fill(m, first, op == 'u');
    case 'l': /* LIST */
    case 't': /* TUPLE */
    case 'd': /* DICT */
        TRY(take_mark(m, &first));
        return collect(m, first, op == 'd');
    case '1': /* POP_MARK */
        TRY(take_mark(m, &first));
        m->n_stack = first;
        return 0;
    default:
        return refuse(m, op);
    }
}

static int step_scalar(struct machine *m, unsigned char op)
{
    switch (op) {
    case 'N':
        return push_value(m, json_null(), "");
    case 0x88: /* NEWTRUE */
    case 0x89: /* NEWFALSE */
        return push_value(m, json_boolean(op == 0x88), "");
    case 'K': /* BININT1 */
    case 'M': /* BININT2 */
        return push_int(m, op == 'K' ? 1 : 2, false);
    case 'J': /* BININT */
        return push_int(m, 4, true);
    case 0x8a: /* LONG1 */
    case 0x8b: /* LONG4 */
        return push_long(m, op == 0x8a ? 1 : 4);
    case 'G': /* BINFLOAT */
        return push_float(m);
    case 'I': /* INT */
    case 'L': /* LONG */
    case 'F': /* FLOAT */
        return push_line_number(m, op == 'F');
    case 0x8c: /* SHORT_BINUNICODE */
    case 'U':  /* SHORT_BINSTRING */
    case 'C':  /* SHORT_BINBYTES */
        return push_text(m, 1);
    case 'X': /* BINUNICODE */
    case 'T': /* BINSTRING */
    case 'B': /* BINBYTES */
        return push_text(m, 4);
    case 0x8d: /* BINUNICODE8 */
    case 0x8e: /* BINBYTES8 */
        return push_text(m, 8);
    default:
        return step_container(m, op);
    }
}

static int step(struct machine *m, unsigned char op)
{
    uint64_t unused;
    struct cell *c;
    switch (op) {
    case 0x80: /* PROTO */
        TRY(take_size(m, 1, &unused));
        return unused <= 5 ? 0 : fail(m, "a protocol from the future");
    case 0x95: /* FRAME: what follows is in order anyway */
        return take_size(m, 8, &unused);
    case '(': /* MARK */
        push(m, NULL);
        return 0;
    case '0': /* POP */
        return pop(m, &c);
    case ']': /* EMPTY_LIST */
    case ')': /* EMPTY_TUPLE */
        return push_value(m, json_array(), "");
    case '}': /* EMPTY_DICT */
        return push_value(m, json_object(), "");
    case 0x85: /* TUPLE1 .. TUPLE3 */
    case 0x86:
    case 0x87:
        return collect_few(m, op - 0x84u);
    case 'p': /* PUT, BINPUT, LONG_BINPUT, MEMOIZE, GET, BINGET, LONG_BINGET */
    case 'q':
    case 'r':
    case 0x94:
    case 'g':
    case 'h':
    case 'j':
        return step_memo(m, op);
    default:
        return step_scalar(m, op);
    }
}

static int run(struct machine *m, struct cell **ret)
{
    for (;;) {
        struct str op;
        TRY(take_bytes(m, 1, &op));
        if (op.s[0] == '.')
            break;
        TRY(step(m, (unsigned char)op.s[0]));
        if (m->n_all > VALUES_MAX || m->n_stack > VALUES_MAX)
            return fail(m, "too many values");
    }
    if (m->n_stack != 1)
        return fail(m, "not one value in the end");
    return pop(m, ret);
}

json_t *prb_unpickle(struct str bytes, struct err *err)
{
    struct machine m = {.code = bytes, .err = err};
    struct cell *made = NULL;
    json_t *json = run(&m, &made) == 0 && made ? json_incref(made->json) : NULL;
    for (size_t i = 0; i < m.n_all; i++) {
        json_decref(m.all[i]->json);
        free(m.all[i]);
    }
    free(m.all);
    free(m.stack);
    free(m.memo);
    return json;
}
