/* guest_object.c: what is not plain data. Outwards: the program's objects, which the judge holds
 * by number. Inwards: the judge's callables, which the program sees as objects of a C type whose
 * call asks the judge. */
#include <stdlib.h>

#include "base/check.h"
#include "sandbox/guest.h"

/* ---- the judge's callables ------------------------------------------------------------------- */

struct stub {
    PyObject base;
    uint32_t number;
};

static PyTypeObject *stub_type;

/* Sends the call, then answers the judge's own questions until the reply to it comes. The caller
 * holds the turn. */
static PyObject *exchange(struct guest *g, struct buf *request)
{
    const uint32_t seq = g->seq;
    guest_write(GUEST_CALLBACK, seq, request);
    for (;;) {
        struct guest_frame frame;
        guest_read(&frame);
        if (frame.head.type == JUDGE_VALUE || frame.head.type == JUDGE_RAISED) {
            PyObject *result = NULL;
            if (frame.head.seq != seq)
                _exit(GUEST_EXIT_PROTOCOL);
            if (frame.head.type == JUDGE_VALUE)
                result = guest_take_value(g, &frame);
            else
                guest_raise_from(g, &frame);
            guest_frame_free(&frame);
            g->seq = seq;
            return result;
        }
        guest_end_turn(g);
        guest_answer(g, &frame); /* takes the turn again to write, and keeps it */
        guest_frame_free(&frame);
    }
}

static PyObject *stub_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct guest *g = &guest__self;
    struct buf request = {0};
    PyObject *named = kwargs ? Py_NewRef(kwargs) : PyDict_New();
    buf_add(&request, &((struct stub *)self)->number, sizeof(uint32_t));
    if (!named || value_encode(args, &g->hook, WIRE_GUEST_BYTES_MAX / 2, &request) < 0 ||
        value_encode(named, &g->hook, WIRE_GUEST_BYTES_MAX / 4, &request) < 0) {
        buf_free(&request);
        Py_XDECREF(named);
        PyErr_SetString(PyExc_ValueError, "the arguments are too large or too deep to pass on");
        return NULL;
    }
    Py_DECREF(named);
    if (Py_EnterRecursiveCall(" in a callable of the caller"))
        return buf_free(&request), NULL;
    guest_take_turn(g);
    PyObject *result = exchange(g, &request);
    guest_end_turn(g);
    Py_LeaveRecursiveCall();
    return result;
}

static PyObject *stub_new(uint32_t number)
{
    struct stub *stub = PyObject_New(struct stub, stub_type);
    if (stub)
        stub->number = number;
    return (PyObject *)stub;
}

int guest_object_prepare(void)
{
    static PyType_Slot slots[] = {{Py_tp_call, stub_call}, {0, NULL}};
    static PyType_Spec spec = {
        .name = "callable_argument",
        .basicsize = sizeof(struct stub),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = slots,
    };
    stub_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return stub_type ? 0 : -1;
}

/* ---- handles --------------------------------------------------------------------------------- */

static int64_t number_of(const struct guest_handles *h, PyObject *key)
{
    PyObject *known = PyDict_GetItemWithError(h->numbers, key);
    long number = known && PyLong_Check(known) ? PyLong_AsLong(known) : -1;
    PyErr_Clear();
    return number;
}

/* Numbers start at 1 and are not used again: a stale one names nothing. */
static int handle_put(struct guest_handles *h, PyObject *object, uint32_t *ret_number)
{
    PyObject *key = PyLong_FromVoidPtr(object);
    if (!key)
        return -ENOMEM;
    int64_t known = number_of(h, key);
    if (known > 0 && known < h->n && h->objects[known] == object) {
        h->counts[known]++;
        *ret_number = (uint32_t)known;
        Py_DECREF(key);
        return 0;
    }
    if (h->n >= h->cap) {
        h->cap = h->cap ? h->cap * 2 : 64;
        h->objects = xrealloc(h->objects, h->cap, sizeof(PyObject *));
        h->counts = xrealloc(h->counts, h->cap, sizeof *h->counts);
    }
    if (h->n == 0)
        h->n = 1;
    PyObject *number = PyLong_FromUnsignedLong(h->n);
    int rc = number && PyDict_SetItem(h->numbers, key, number) == 0 ? 0 : -ENOMEM;
    if (rc == 0) {
        h->objects[h->n] = Py_NewRef(object);
        h->counts[h->n] = 1;
        *ret_number = h->n++;
    }
    Py_XDECREF(number);
    Py_DECREF(key);
    return rc;
}

PyObject *guest_handle(struct guest *g, uint32_t number)
{
    const struct guest_handles *h = &g->handles;
    if (number && number < h->n && h->objects[number])
        return h->objects[number];
    PyErr_Format(PyExc_ReferenceError, "no object has the number %u", number);
    return NULL;
}

void guest_release(struct guest *g, uint32_t number)
{
    struct guest_handles *h = &g->handles;
    if (!number || number >= h->n || !h->objects[number] || --h->counts[number])
        return;
    PyObject *object = h->objects[number], *key = PyLong_FromVoidPtr(object);
    if (key && PyDict_DelItem(h->numbers, key) != 0)
        PyErr_Clear();
    Py_XDECREF(key);
    h->objects[number] = NULL;
    Py_DECREF(object);
}

static int hook_encode(void *ctx, PyObject *object, struct buf *out)
{
    struct guest *g = ctx;
    uint32_t number;
    uint8_t tag = VALUE_HANDLE;
    if (Py_IS_TYPE(object, stub_type)) {
        tag = VALUE_CALLABLE; /* the judge's own object goes home */
        number = ((struct stub *)object)->number;
    } else {
        TRY(handle_put(&g->handles, object, &number));
    }
    buf_char(out, (char)tag);
    buf_add(out, &number, sizeof number);
    return 0;
}

static PyObject *hook_decode(void *ctx, uint8_t tag, uint32_t number)
{
    if (tag == VALUE_CALLABLE)
        return stub_new(number);
    PyObject *object = guest_handle(ctx, number);
    return object ? Py_NewRef(object) : NULL;
}

int guest_handles_init(struct guest *g)
{
    g->hook = (struct value_hook){.encode = hook_encode, .decode = hook_decode, .ctx = g};
    g->handles.numbers = PyDict_New();
    return g->handles.numbers ? 0 : -1;
}
