/* guest_operate.c: operators on the program's objects, and coroutines run to their ends.
 *
 * The functions are looked up before any program runs, so that rebinding builtins.len changes what
 * the program sees, not what is asked of it. */
#include "base/check.h"
#include "sandbox/guest.h"

static PyObject *functions[GUEST_OP_COUNT], *await_function;

/* One event loop for all coroutines of a program, as its queues and generators belong to one; and
 * an extra one where the call comes from within a coroutine. */
static const char await_source[] = "kept = []\n"
                                   "def run(awaitable):\n"
                                   "    import asyncio\n"
                                   "    from asyncio import events\n"
                                   "    async def wait():\n"
                                   "        return await awaitable\n"
                                   "    outer = events._get_running_loop()\n"
                                   "    if outer is None:\n"
                                   "        if not kept or kept[0].is_closed():\n"
                                   "            kept[:] = [asyncio.new_event_loop()]\n"
                                   "        asyncio.set_event_loop(kept[0])\n"
                                   "        return kept[0].run_until_complete(wait())\n"
                                   "    events._set_running_loop(None)\n"
                                   "    inner = asyncio.new_event_loop()\n"
                                   "    try:\n"
                                   "        return inner.run_until_complete(wait())\n"
                                   "    finally:\n"
                                   "        inner.close()\n"
                                   "        events._set_running_loop(outer)\n";

int guest_operate_prepare(void)
{
    static const struct {
        const char *module, *name;
    } rows[GUEST_OP_COUNT] = {
#define X(name, module, function) [GUEST_OP_##name] = {module, function},
        GUEST_OPERATORS(X)
#undef X
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        PyObject *module = PyImport_ImportModule(rows[i].module);
        functions[i] = module ? PyObject_GetAttrString(module, rows[i].name) : NULL;
        Py_XDECREF(module);
        if (!functions[i])
            return -1;
    }
    PyObject *scope = PyDict_New(), *done = NULL;
    if (scope && PyDict_SetItemString(scope, "__builtins__", PyEval_GetBuiltins()) == 0)
        done = PyRun_String(await_source, Py_file_input, scope, scope);
    await_function = done ? Py_XNewRef(PyDict_GetItemString(scope, "run")) : NULL;
    Py_XDECREF(done);
    Py_XDECREF(scope);
    return await_function ? 0 : -1;
}

PyObject *guest_operate(uint8_t op, PyObject *operands)
{
    return PyObject_Call(functions[op], operands, NULL);
}

PyObject *guest_await(PyObject *awaitable)
{
    return PyObject_CallOneArg(await_function, awaitable);
}

/* The next item. Of a coroutine and its like: their result, as the value of a StopIteration. */
PyObject *guest_next(PyObject *object)
{
    const PyAsyncMethods *async = Py_TYPE(object)->tp_as_async;
    if (async && async->am_await) {
        PyObject *result = guest_await(object);
        PyObject *stop = result ? PyObject_CallOneArg(PyExc_StopIteration, result) : NULL;
        if (stop)
            PyErr_SetObject(PyExc_StopIteration, stop);
        Py_XDECREF(stop);
        Py_XDECREF(result);
        return NULL;
    }
    if (!PyIter_Check(object)) {
        PyErr_Format(PyExc_TypeError, "'%s' object is not an iterator", Py_TYPE(object)->tp_name);
        return NULL;
    }
    PyObject *item = PyIter_Next(object);
    if (!item && !PyErr_Occurred())
        PyErr_SetNone(PyExc_StopIteration);
    return item;
}
