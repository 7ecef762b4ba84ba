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
#include "base/clock.h"
#include "sandbox/layout.h"

enum { THREAD_STACK_BYTES = 2 << 20 };

struct guest guest__self;

/* What one question leads to: a value or NULL with a Python error set. */
struct reply {
    bool missing, stored; /* stored: by value whatever its class */
    uint8_t wants;        /* enum guest_want */
    PyObject *value;
    PyObject *arguments;    /* of a call: a pair of tuple and dict */
    struct value_memo memo; /* of the question's containers */
    struct buf changes;     /* their contents, where they changed */
};

/* A call of the kernel, which is made where somebody will ask for the time. */
static int64_t thread_ns(const struct guest *g)
{
    return g->timed ? clock_ns(CLOCK_THREAD_CPUTIME_ID) : 0;
}

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
    reply->value = flags & GUEST_LOAD_ASIDE ? guest_load_aside(text) : guest_load(g, text);
}

static void on_global(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    PyObject *name = take_attribute(frame);
    PyObject *value = name && g->globals ? PyDict_GetItemWithError(g->globals, name) : NULL;
    reply->value = Py_XNewRef(value);
    reply->missing = !value && !PyErr_Occurred();
    Py_XDECREF(name);
}

/* Writes down what became of the containers in `pair` if they have changed. The pending error, if
 * any, stays. */
static void note_changes(struct guest *g, PyObject *pair, struct str before, struct reply *reply)
{
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    int rc = value_encode_changes(&reply->memo, pair, before, &g->hook, WIRE_GUEST_BYTES_MAX,
                                  &reply->changes);
    if (rc >= 0) {
        PyErr_Restore(type, error, trace);
        return;
    }
    buf_free(&reply->changes);
    Py_CLEAR(reply->value);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    if (rc == -ENOMEM)
        PyErr_NoMemory();
    else
        PyErr_SetString(PyExc_OverflowError, "the arguments became too large or too deep");
}

static void on_call(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    PyObject *callee = Py_XNewRef(take_object(g, frame));
    reply->wants = guest_take_u8(frame);
    const char *from = (const char *)frame->at;
    const uint32_t foreign = g->foreign;
    PyObject *pair = callee ? guest_take_value(g, &reply->memo, frame) : NULL;
    struct str before = str_make(from, (size_t)((const char *)frame->at - from));
    struct buf fingerprint = {0};
    if (pair && (!PyTuple_CheckExact(pair) || PyTuple_GET_SIZE(pair) != 2 ||
                 !PyTuple_CheckExact(PyTuple_GET_ITEM(pair, 0)) ||
                 !PyDict_CheckExact(PyTuple_GET_ITEM(pair, 1))))
        _exit(GUEST_EXIT_PROTOCOL);
    /* The dict of keywords is a container too, but nobody else's. */
    bool watch = pair && (reply->wants & GUEST_WANT_CHANGES) && reply->memo.n > 1;
    if (watch && g->foreign != foreign) {
        struct value_memo memo = {0};
        value_fingerprint(&memo, pair, &fingerprint);
        value_memo_free(&memo);
        before = buf_view(&fingerprint);
    }
    const int64_t began = thread_ns(g);
    if (pair)
        reply->value = PyObject_Call(callee, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1));
    if (reply->value && PyCoro_CheckExact(reply->value) && !(reply->wants & GUEST_WANT_AWAITABLE))
        Py_SETREF(reply->value, guest_await(reply->value));
    g->called_ns += thread_ns(g) - began;
    if (watch)
        note_changes(g, pair, before, reply);
    buf_free(&fingerprint);
    Py_XDECREF(callee);
    reply->arguments = pair;
}

static void on_handed(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    (void)frame;
    reply->value = PyLong_FromLongLong(g->answered_ns - g->loaded_ns - g->called_ns);
}

static void on_getattr(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    PyObject *object = Py_XNewRef(take_object(g, frame));
    reply->wants = guest_take_u8(frame);
    PyObject *name = object ? take_attribute(frame) : NULL;
    if (name)
        reply->value = PyObject_GetAttr(object, name);
    Py_XDECREF(name);
    Py_XDECREF(object);
}

static void on_next(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    PyObject *object = Py_XNewRef(take_object(g, frame));
    reply->value = object ? guest_next(object) : NULL;
    Py_XDECREF(object);
}

static void on_stored(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    reply->value = Py_XNewRef(take_object(g, frame));
    reply->stored = true;
}

static void on_operate(struct guest *g, struct guest_frame *frame, struct reply *reply)
{
    struct value_memo memo = {0};
    uint8_t op = guest_take_u8(frame);
    reply->wants = guest_take_u8(frame);
    PyObject *operands = guest_take_value(g, &memo, frame);
    value_memo_free(&memo);
    if (op >= GUEST_OP_COUNT || (operands && !PyTuple_CheckExact(operands)))
        _exit(GUEST_EXIT_PROTOCOL);
    if (operands)
        reply->value = guest_operate(op, operands);
    Py_XDECREF(operands);
}

/* The answer's bytes and type; a value that cannot cross is a refusal. */
static uint8_t encode_reply(struct guest *g, struct reply *reply, struct buf *out)
{
    if (reply->missing)
        return GUEST_MISSING;
    /* Sharing makes an answer cheap to hand over, which nobody is to be called faster for. */
    struct value_memo flat = {.flat = g->timed};
    int rc = 0;
    if (reply->value && !reply->stored && guest_is_object(reply->value) &&
        ((reply->wants & GUEST_WANT_OBJECT) || guest_is_held(g, reply->value)))
        rc = guest_put_object(g, reply->value, out);
    else if (reply->value && (reply->wants & GUEST_WANT_CHANGES))
        rc = value_encode_with(&reply->memo, reply->value, &g->hook, WIRE_GUEST_BYTES_MAX, out);
    else if (reply->value)
        rc = value_encode_with(&flat, reply->value, &g->hook, WIRE_GUEST_BYTES_MAX, out);
    value_memo_free(&flat);
    if (rc == 0 && reply->value)
        return GUEST_VALUE;
    buf_clear(out);
    if (rc == -ENOMEM)
        PyErr_NoMemory();
    if (PyErr_Occurred()) {
        rc = guest_put_raised(g, out);
        if (rc == 0)
            return GUEST_RAISED;
        buf_clear(out);
    }
    guest_put_name(out, rc == -ELOOP   ? STR("too-deep")
                        : rc == -E2BIG ? STR("too-large")
                                       : STR("unknown-type"));
    return GUEST_REFUSED;
}

void guest_answer(struct guest *g, struct guest_frame *frame)
{
    static void (*const handlers[])(struct guest *, struct guest_frame *, struct reply *) = {
        [GUEST_LOAD] = on_load,       [GUEST_GLOBAL] = on_global, [GUEST_CALL] = on_call,
        [GUEST_GETATTR] = on_getattr, [GUEST_NEXT] = on_next,     [GUEST_STORED] = on_stored,
        [GUEST_OPERATE] = on_operate, [GUEST_HANDED] = on_handed,
    };
    struct reply reply = {0};
    struct buf out = {0};
    Py_CLEAR(g->last_arguments);
    Py_CLEAR(g->last_value);
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
    Py_XSETREF(g->last_arguments, reply.arguments); /* not there but for calls within this call */
    Py_XSETREF(g->last_value, reply.value);
    value_memo_free(&reply.memo);
    guest_take_turn(g);
    if (reply.changes.len)
        guest_write(GUEST_CHANGED, frame->head.seq, &reply.changes);
    guest_write(type, frame->head.seq, &out);
    g->answered_ns = thread_ns(g);
    if (frame->head.type == GUEST_LOAD) {
        g->loaded_ns = g->answered_ns;
        g->called_ns = 0;
    }
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
    if (guest_lent_prepare() != 0 || guest_operate_prepare() != 0 || guest_program_prepare() != 0)
        return -1;
    guest__self.turn = PyThread_allocate_lock();
    return guest__self.turn && guest_handles_init(&guest__self) == 0 ? 0 : -1;
}

/* The program has spent what there was, so it is nobody's bug. */
static void no_memory(void)
{
    _exit(GUEST_EXIT_MEMORY);
}

_Noreturn void guest_run(const struct sbx_guest *confine, bool timed)
{
    struct guest *g = &guest__self;
    uint32_t isolation = 0;
    struct buf ready = {0};
    g->timed = timed;
    int step = sbx__confine_guest(confine, &isolation);
    if (step < 0)
        _exit(GUEST_EXIT_CONFINE - step);
    check_no_memory = no_memory;
    /* Python is told nothing of the fork, as in the keeper: this thread has the same number here,
     * holds the same locks, and no other ever ran. */
    sbx__layout_child();
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
