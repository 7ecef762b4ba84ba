/* guest.c: the process that runs one model's program.
 *
 * Who: a fork of the keeper, nobody in a user namespace, first process of a pid namespace of its
 * own, confined by its first act.
 *
 * Descriptors: 0, 1, 2 are /dev/null, or pipes to the judge for whole programs; 3 is a stream to
 * the judge; nothing else is open.
 *
 * Bytes: frames of wire.h on 3. The judge asks (load this text, call object 4 with these values),
 * the guest answers; the text of the program comes over the same stream, so its parent never had
 * it. When the judge hangs up, the guest is over.
 *
 * The program shares this process and can do to it what it likes. Nothing here is therefore a
 * secret or a verdict: the worst that code can do is to give wrong answers, which is what grading
 * is about. But serving is done in C with references of its own, so that rebinding Python names
 * changes nothing, by accident or otherwise. */
#include "sandbox/guest.h"

#include <pthread.h>
#include <unistd.h>

#include "base/check.h"

enum { THREAD_STACK_BYTES = 2 << 20 };

struct guest guest__self;

/* What one question leads to: a value or NULL with a Python error set; `args` only when the
 * caller must see them change. */
struct reply {
    bool missing;
    PyObject *value, *args;
};

static PyObject *take_object(struct guest *g, struct guest_frame *frame)
{
    return guest_handle(g, guest_take_u32(frame));
}

static PyObject *take_attribute(struct guest_frame *frame)
{
    struct str name = guest_take_name(frame);
    return PyUnicode_DecodeUTF8(name.s, (Py_ssize_t)name.len, "surrogatepass");
}

static void on_load(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    uint8_t flags = guest_take_u8(frame);
    struct str text = str_make((const char *)frame->at, (size_t)(frame->end - frame->at));
    if (flags & GUEST_LOAD_MAIN)
        guest_main(g, frame->head.seq, text);
    reply->value = guest_load(g, text);
}

static void on_global(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    PyObject *name = take_attribute(frame);
    PyObject *value = name && g->globals ? PyDict_GetItemWithError(g->globals, name) : NULL;
    reply->value = Py_XNewRef(value);
    reply->missing = !value && !PyErr_Occurred();
    Py_XDECREF(name);
}

static bool is_mutable(PyObject *o)
{
    if (PyList_CheckExact(o) || PyDict_CheckExact(o) || PySet_CheckExact(o) ||
        PyByteArray_CheckExact(o))
        return true;
    for (Py_ssize_t i = 0; PyTuple_CheckExact(o) && i < PyTuple_GET_SIZE(o); i++)
        if (is_mutable(PyTuple_GET_ITEM(o, i)))
            return true;
    return false;
}

/* Whether the arguments still have the encoding that they came in. */
static bool unchanged(struct guest *g, PyObject *args, struct str before)
{
    struct buf now = {0};
    bool same =
        value_encode(args, &g->hook, before.len, &now) == 0 && str_eq(buf_view(&now), before);
    buf_free(&now);
    return same;
}

/* An async function's result is what it comes to. */
static PyObject *run_coroutine(PyObject *coroutine)
{
    PyObject *asyncio = PyImport_ImportModule("asyncio");
    PyObject *result = asyncio ? PyObject_CallMethod(asyncio, "run", "O", coroutine) : NULL;
    Py_XDECREF(asyncio);
    Py_DECREF(coroutine);
    return result;
}

static void on_call(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    PyObject *callee = take_object(g, frame);
    const char *from = (const char *)frame->at;
    PyObject *args = callee ? guest_take_value(g, frame) : NULL;
    struct str before = str_make(from, (size_t)((const char *)frame->at - from));
    PyObject *kwargs = args ? guest_take_value(g, frame) : NULL;
    if (kwargs && (!PyTuple_Check(args) || !PyDict_Check(kwargs)))
        _exit(GUEST_EXIT_PROTOCOL);
    Py_XINCREF(callee);
    if (kwargs)
        reply->value = PyObject_Call(callee, args, kwargs);
    if (reply->value && PyCoro_CheckExact(reply->value))
        reply->value = run_coroutine(reply->value);
    if (reply->value && is_mutable(args) && !unchanged(g, args, before))
        reply->args = Py_NewRef(args);
    Py_XDECREF(callee);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
}

static void on_getattr(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    PyObject *object = take_object(g, frame), *name = object ? take_attribute(frame) : NULL;
    if (name)
        reply->value = PyObject_GetAttr(object, name);
    Py_XDECREF(name);
}

static void on_setattr(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    PyObject *object = take_object(g, frame), *name = object ? take_attribute(frame) : NULL;
    PyObject *value = name ? guest_take_value(g, frame) : NULL;
    if (value && PyObject_SetAttr(object, name, value) == 0)
        reply->value = Py_NewRef(Py_None);
    Py_XDECREF(name);
    Py_XDECREF(value);
}

static void on_getitem(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    PyObject *object = take_object(g, frame), *key = object ? guest_take_value(g, frame) : NULL;
    if (key)
        reply->value = PyObject_GetItem(object, key);
    Py_XDECREF(key);
}

static void on_setitem(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    PyObject *object = take_object(g, frame), *key = object ? guest_take_value(g, frame) : NULL;
    PyObject *value = key ? guest_take_value(g, frame) : NULL;
    if (value && PyObject_SetItem(object, key, value) == 0)
        reply->value = Py_NewRef(Py_None);
    Py_XDECREF(key);
    Py_XDECREF(value);
}

static void on_iter(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    PyObject *object = take_object(g, frame);
    reply->value = object ? PyObject_GetIter(object) : NULL;
}

static void on_next(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    PyObject *object = take_object(g, frame);
    if (object && !PyIter_Check(object))
        PyErr_Format(PyExc_TypeError, "'%s' object is not an iterator", Py_TYPE(object)->tp_name);
    else if (object && !(reply->value = PyIter_Next(object)) && !PyErr_Occurred())
        PyErr_SetNone(PyExc_StopIteration);
}

static void on_len(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    PyObject *object = take_object(g, frame);
    Py_ssize_t n = object ? PyObject_Size(object) : -1;
    if (n >= 0)
        reply->value = PyLong_FromSsize_t(n);
}

static void on_str(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    PyObject *object = take_object(g, frame);
    reply->value = object ? PyObject_Str(object) : NULL;
}

static void on_contains(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    PyObject *object = take_object(g, frame), *item = object ? guest_take_value(g, frame) : NULL;
    int found = item ? PySequence_Contains(object, item) : -1;
    if (found >= 0)
        reply->value = PyBool_FromLong(found);
    Py_XDECREF(item);
}

static PyObject *power(PyObject *a, PyObject *b)
{
    return PyNumber_Power(a, b, Py_None);
}

static void on_binary(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    static PyObject *(*const operators[GUEST_OP_COUNT])(PyObject *, PyObject *) = {
        [GUEST_OP_ADD] = PyNumber_Add,
        [GUEST_OP_SUBTRACT] = PyNumber_Subtract,
        [GUEST_OP_MULTIPLY] = PyNumber_Multiply,
        [GUEST_OP_MATRIX_MULTIPLY] = PyNumber_MatrixMultiply,
        [GUEST_OP_TRUE_DIVIDE] = PyNumber_TrueDivide,
        [GUEST_OP_FLOOR_DIVIDE] = PyNumber_FloorDivide,
        [GUEST_OP_REMAINDER] = PyNumber_Remainder,
        [GUEST_OP_POWER] = power,
        [GUEST_OP_LSHIFT] = PyNumber_Lshift,
        [GUEST_OP_RSHIFT] = PyNumber_Rshift,
        [GUEST_OP_AND] = PyNumber_And,
        [GUEST_OP_OR] = PyNumber_Or,
        [GUEST_OP_XOR] = PyNumber_Xor,
    };
    static const int comparisons[GUEST_OP_COUNT] = {
        [GUEST_OP_LT] = Py_LT, [GUEST_OP_LE] = Py_LE, [GUEST_OP_GT] = Py_GT, [GUEST_OP_GE] = Py_GE};
    uint8_t operator= guest_take_u8(frame);
    if (operator>= GUEST_OP_COUNT)
        _exit(GUEST_EXIT_PROTOCOL);
    PyObject *a = guest_take_value(g, frame), *b = a ? guest_take_value(g, frame) : NULL;
    if (b)
        reply->value = operators[operator] ? operators[operator](a, b)
                                           : PyObject_RichCompare(a, b, comparisons[operator]);
    Py_XDECREF(a);
    Py_XDECREF(b);
}

/* The answer's bytes and type; a value that cannot cross is a refusal. */
static uint8_t encode_reply(struct guest *g, const struct reply *reply, struct buf *out)
{
    if (reply->missing)
        return GUEST_MISSING;
    if (!reply->value) {
        guest_put_raised(out);
        return GUEST_RAISED;
    }
    int rc = value_encode(reply->value, &g->hook, WIRE_GUEST_BYTES_MAX, out);
    if (rc == 0 && reply->args)
        rc = value_encode(reply->args, &g->hook, WIRE_GUEST_BYTES_MAX - out->len, out);
    if (rc == 0)
        return reply->args ? GUEST_VALUE_ARGS : GUEST_VALUE;
    buf_clear(out);
    guest_put_name(out, rc == -ELOOP   ? STR("too-deep")
                        : rc == -E2BIG ? STR("too-large")
                                       : STR("unknown-type"));
    return GUEST_REFUSED;
}

void guest_answer(struct guest *g, struct guest_frame *frame)
{
    static void (*const handlers[])(struct guest *, struct guest_frame *, struct reply *) = {
        [GUEST_LOAD] = on_load,         [GUEST_GLOBAL] = on_global,   [GUEST_CALL] = on_call,
        [GUEST_GETATTR] = on_getattr,   [GUEST_GETITEM] = on_getitem, [GUEST_SETATTR] = on_setattr,
        [GUEST_SETITEM] = on_setitem,   [GUEST_ITER] = on_iter,       [GUEST_NEXT] = on_next,
        [GUEST_LEN] = on_len,           [GUEST_STR] = on_str,         [GUEST_BINARY] = on_binary,
        [GUEST_CONTAINS] = on_contains,
    };
    struct reply reply = {0};
    struct buf out = {0};
    if (frame->head.type == GUEST_RELEASE) {
        guest_release(g, guest_take_u32(frame));
        guest_take_turn(g);
        return;
    }
    if (frame->head.type >= COUNT_OF(handlers) || !handlers[frame->head.type])
        _exit(GUEST_EXIT_PROTOCOL);
    g->seq = frame->head.seq;
    handlers[frame->head.type](g, frame, &reply);
    uint8_t type = encode_reply(g, &reply, &out);
    Py_XDECREF(reply.value);
    Py_XDECREF(reply.args);
    guest_take_turn(g);
    guest_write(type, frame->head.seq, &out);
}

/* A thread's whole stack counts as data from its start, so eight megabytes each would eat the
 * limit of an honest pool. */
static int shrink_thread_stacks(void)
{
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0)
        return -1;
    int rc = pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
    if (rc == 0)
        rc = pthread_setattr_default_np(&attr);
    pthread_attr_destroy(&attr);
    return rc == 0 ? 0 : -1;
}

int guest_prepare(void)
{
    if (shrink_thread_stacks() != 0) {
        PyErr_SetString(PyExc_OSError, "cannot set the stack size of threads");
        return -1;
    }
    if (guest_object_prepare() != 0 || guest_program_prepare() != 0)
        return -1;
    guest__self.turn = PyThread_allocate_lock();
    return guest__self.turn && guest_handles_init(&guest__self) == 0 ? 0 : -1;
}

_Noreturn void guest_run(const struct sbx_guest *confine)
{
    struct guest *g = &guest__self;
    uint32_t isolation = 0;
    struct buf ready = {0};
    int step = sbx__confine_guest(confine, &isolation);
    if (step < 0)
        _exit(GUEST_EXIT_CONFINE - step);
    PyOS_AfterFork_Child();
    buf_add(&ready, &isolation, sizeof isolation);
    guest_take_turn(g);
    guest_write(GUEST_READY, 0, &ready);
    for (;;) {
        struct guest_frame frame;
        guest_read(&frame);
        guest_end_turn(g);
        guest_answer(g, &frame);
        guest_frame_free(&frame);
    }
}
