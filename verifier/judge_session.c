/* judge_session.c: one question, one answer, and what the answer means.
 *
 * While a question is open the guest may call back the judge's callables that were lent to it;
 * those may ask questions in turn, so this nests. Whatever is malformed, out of turn or wrongly
 * numbered ends the guest with REASON_PROTOCOL. */
#define PY_SSIZE_T_CLEAN
#include "verifier/judge_session.h"

#include "value.h"
#include "verifier/judge_watch.h"

enum { RELEASE_BATCH = 64, CALLABLES_MAX = 100000, NAME_BYTES_MAX = 200 };

PyObject *judge_refused, *judge_too_large;

static struct {
    struct judge_guest *guest; /* NULL between sessions */
    PyObject *globals;         /* borrowed */
    PyObject *callables;       /* list: what was lent, by number */
    PyObject *exceptions;      /* dict: (name, base) -> made-up class */
    struct buf released;       /* u32 handle numbers that no proxy holds any more */
    uint32_t generation, raised_line;
    bool open_operators;
} session;

struct reader {
    const uint8_t *at, *end;
};

/* ---- values ---------------------------------------------------------------------------------- */

static int encode_object(void *ctx, PyObject *object, struct buf *out)
{
    uint32_t number;
    (void)ctx;
    if (judge__proxy_number(object, &number)) {
        buf_char(out, VALUE_HANDLE);
    } else if (!judge_is_handle(object) && PyCallable_Check(object)) {
        Py_ssize_t i = 0, n = PyList_GET_SIZE(session.callables);
        while (i < n && PyList_GET_ITEM(session.callables, i) != object)
            i++;
        if (i == CALLABLES_MAX || (i == n && PyList_Append(session.callables, object) < 0)) {
            PyErr_Clear();
            return -EINVAL;
        }
        buf_char(out, VALUE_CALLABLE);
        number = (uint32_t)i;
    } else {
        return -EINVAL;
    }
    buf_add(out, &number, sizeof number);
    return 0;
}

static PyObject *decode_object(void *ctx, uint8_t tag, uint32_t number)
{
    (void)ctx;
    if (tag == VALUE_HANDLE)
        return judge__proxy_new(number, session.generation);
    if (tag == VALUE_CALLABLE && number < (size_t)PyList_GET_SIZE(session.callables))
        return Py_NewRef(PyList_GET_ITEM(session.callables, number));
    PyErr_SetString(PyExc_ValueError, "no such object");
    return NULL;
}

static const struct value_hook hook = {.encode = encode_object, .decode = decode_object};

/* Ends the guest and makes test code unwind. */
static PyObject *broken(enum reason reason, const char *why)
{
    PyErr_Clear();
    judge_guest_fail(session.guest, reason, why);
    PyErr_SetNone(judge_stop);
    return NULL;
}

static PyObject *read_value(struct reader *r)
{
    int code = 0;
    PyObject *value = value_decode(&r->at, r->end, &hook, &code);
    if (value)
        return value;
    return code == -ENOMEM ? broken(REASON_MEMORY_LIMIT, "an answer too large to hold")
                           : broken(REASON_PROTOCOL, "a malformed value");
}

static bool read_u32(struct reader *r, uint32_t *ret)
{
    if (r->end - r->at < (ptrdiff_t)sizeof *ret)
        return false;
    memcpy(ret, r->at, sizeof *ret);
    r->at += sizeof *ret;
    return true;
}

static bool read_name(struct reader *r, struct str *ret)
{
    uint32_t n;
    if (!read_u32(r, &n) || n > (size_t)(r->end - r->at))
        return false;
    *ret = str_make((const char *)r->at, n);
    r->at += n;
    return true;
}

/* ---- building a question --------------------------------------------------------------------- */

static void flush_released(void)
{
    struct buf numbers = session.released;
    session.released = (struct buf){0};
    for (size_t at = 0; at < numbers.len; at += sizeof(uint32_t)) {
        buf_add(judge_guest_question(session.guest), numbers.s + at, sizeof(uint32_t));
        (void)judge_guest_send(session.guest, GUEST_RELEASE, ++session.guest->seq);
    }
    buf_free(&numbers);
}

void judge__begin(void)
{
    if (session.released.len >= RELEASE_BATCH * sizeof(uint32_t))
        flush_released();
    judge_guest_question(session.guest);
}

void judge__put_u8(uint8_t v)
{
    buf_char(&session.guest->question, (char)v);
}

void judge__put_u32(uint32_t v)
{
    buf_add(&session.guest->question, &v, sizeof v);
}

static void put_bytes(struct str s)
{
    judge__put_u32((uint32_t)s.len);
    buf_str(&session.guest->question, s);
}

int judge__put_name(PyObject *name)
{
    Py_ssize_t n;
    const char *s = PyUnicode_AsUTF8AndSize(name, &n);
    if (s)
        put_bytes(str_make(s, (size_t)n));
    return s ? 0 : -1;
}

int judge__put_value(PyObject *value)
{
    int rc = value_encode(value, &hook, WIRE_GUEST_BYTES_MAX, &session.guest->question);
    if (rc == 0)
        return 0;
    if (rc == -EINVAL)
        PyErr_Format(PyExc_TypeError, "no way to pass this to the program: %.100s",
                     Py_TYPE(value)->tp_name);
    else
        PyErr_SetString(rc == -ELOOP ? PyExc_RecursionError : PyExc_ValueError,
                        "too deep or too large to pass to the program");
    return -1;
}

int judge__put_empty_dict(void)
{
    judge__put_u8(VALUE_DICT);
    judge__put_u32(0);
    return 0;
}

/* Whether `o` is what Python's own namespace calls by its name: int, len, sorted, ... */
static bool is_builtin(PyObject *o)
{
    if (!PyType_Check(o) && !PyCFunction_Check(o))
        return false;
    PyObject *name = PyObject_GetAttrString(o, "__name__");
    bool yes = name && PyDict_GetItemWithError(PyEval_GetBuiltins(), name) == o;
    Py_XDECREF(name);
    PyErr_Clear();
    return yes;
}

/* The guest's builtin of the same name: a type has to be a type over there. */
static PyObject *their_builtin(PyObject *o)
{
    bool missing;
    PyObject *name = PyObject_GetAttrString(o, "__name__");
    PyObject *builtins = name ? judge_global("__builtins__", &missing) : NULL, *theirs = NULL;
    if (builtins)
        theirs = judge_is_handle(builtins) ? PyObject_GetAttr(builtins, name) : Py_NewRef(o);
    Py_XDECREF(name);
    Py_XDECREF(builtins);
    return theirs;
}

static bool yields_values(PyObject *o)
{
    return !judge_is_handle(o) &&
           (PyRange_Check(o) || PyDictViewSet_Check(o) || PyDictValues_Check(o) ||
            PyIter_Check(o) || strcmp(Py_TYPE(o)->tp_name, "collections.deque") == 0);
}

PyObject *judge__plain_args(PyObject *args)
{
    Py_ssize_t n = PyTuple_GET_SIZE(args), first = 0;
    while (first < n && !yields_values(PyTuple_GET_ITEM(args, first)) &&
           !is_builtin(PyTuple_GET_ITEM(args, first)))
        first++;
    if (first == n)
        return Py_NewRef(args);
    PyObject *plain = PyTuple_New(n);
    for (Py_ssize_t i = 0; plain && i < n; i++) {
        PyObject *arg = PyTuple_GET_ITEM(args, i);
        PyObject *item = yields_values(arg) ? PySequence_List(arg)
                         : is_builtin(arg)  ? their_builtin(arg)
                                            : Py_NewRef(arg);
        if (item)
            PyTuple_SET_ITEM(plain, i, item);
        else
            Py_CLEAR(plain);
    }
    return plain;
}

/* ---- exceptions that cross ------------------------------------------------------------------- */

static PyObject *exception_named(PyObject *dict, struct str name)
{
    PyObject *key = PyUnicode_DecodeUTF8(name.s, (Py_ssize_t)name.len, "replace");
    PyObject *found = key && dict ? PyDict_GetItemWithError(dict, key) : NULL;
    Py_XDECREF(key);
    PyErr_Clear();
    return found && PyExceptionClass_Check(found) ? found : NULL;
}

/* The class to raise here for an exception of the guest: the builtin of that name, the test's
 * own of that name, or one made up below the builtin base. Borrowed. */
static PyObject *exception_class(struct str name, struct str base_name)
{
    PyObject *builtins = PyEval_GetBuiltins();
    PyObject *found = exception_named(builtins, name);
    if (!found)
        found = exception_named(session.globals, name);
    if (found)
        return found;
    PyObject *base = exception_named(builtins, base_name);
    base = base ? base : PyExc_Exception;
    if (name.len > NAME_BYTES_MAX || memchr(name.s, 0, name.len))
        return base;
    PyObject *key = Py_BuildValue("s#O", name.s, (Py_ssize_t)name.len, base);
    found = key ? PyDict_GetItemWithError(session.exceptions, key) : NULL;
    if (key && !found) {
        PyObject *made = PyObject_CallFunction((PyObject *)&PyType_Type, "s#(O){}", name.s,
                                               (Py_ssize_t)name.len, base);
        if (made && PyDict_SetItem(session.exceptions, key, made) == 0)
            found = made; /* the dict keeps it */
        Py_XDECREF(made);
    }
    Py_XDECREF(key);
    PyErr_Clear();
    return found ? found : base;
}

static void raise_from_guest(struct reader *r)
{
    struct str name, base, message;
    if (!read_name(r, &name) || !read_name(r, &base)) {
        broken(REASON_PROTOCOL, "a malformed exception");
        return;
    }
    PyObject *args = read_value(r);
    if (!args)
        return;
    if (!PyTuple_Check(args) || !read_name(r, &message) || !read_u32(r, &session.raised_line) ||
        r->at != r->end) {
        Py_DECREF(args);
        broken(REASON_PROTOCOL, "a malformed exception");
        return;
    }
    PyObject *type = exception_class(name, base);
    PyObject *value = PyObject_Call(type, args, NULL);
    if (!value || !PyExceptionInstance_Check(value)) {
        /* Its constructor wants other arguments than the ones it keeps. */
        PyErr_Clear();
        Py_XDECREF(value);
        PyObject *text = PyUnicode_DecodeUTF8(message.s, (Py_ssize_t)message.len, "replace");
        PyErr_SetObject(PyExc_RuntimeError, text ? text : Py_None);
        Py_XDECREF(text);
    } else {
        PyErr_SetObject((PyObject *)Py_TYPE(value), value);
        Py_DECREF(value);
    }
    Py_DECREF(args);
}

static PyTypeObject *builtin_base(PyTypeObject *type)
{
    while (type != (PyTypeObject *)PyExc_BaseException &&
           exception_named(PyEval_GetBuiltins(), str_of(type->tp_name)) != (PyObject *)type)
        type = type->tp_base;
    return type;
}

/* Tells the guest that its callback raised the pending error, which is cleared. */
static int send_raised(uint32_t seq)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    const char *dot = strrchr(Py_TYPE(value)->tp_name, '.');
    PyObject *args = PyObject_GetAttrString(value, "args"), *text = PyObject_Str(value);
    const char *message = text ? PyUnicode_AsUTF8(text) : NULL;
    PyErr_Clear();
    judge__begin();
    put_bytes(str_of(dot ? dot + 1 : Py_TYPE(value)->tp_name));
    put_bytes(str_of(builtin_base(Py_TYPE(value))->tp_name));
    size_t mark = session.guest->question.len;
    if (!args || judge__put_value(args) < 0) {
        PyErr_Clear();
        session.guest->question.len = mark;
        judge__put_u8(VALUE_TUPLE);
        judge__put_u32(0);
    }
    put_bytes(str_of(message ? message : ""));
    judge__put_u32(0);
    Py_XDECREF(args);
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return judge_guest_send(session.guest, JUDGE_RAISED, seq);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* The guest calls a callable of ours. 0, or -1 with judge_stop set. */
static int serve_callback(struct reader *r, uint32_t seq)
{
    uint32_t number;
    if (!read_u32(r, &number) || number >= (size_t)PyList_GET_SIZE(session.callables)) {
        broken(REASON_PROTOCOL, "a call of nothing");
        return -1;
    }
    PyObject *args = read_value(r), *kwargs = args ? read_value(r) : NULL, *result = NULL;
    int rc = -1;
    if (!kwargs)
        goto out;
    if (!PyTuple_Check(args) || !PyDict_Check(kwargs) || r->at != r->end) {
        broken(REASON_PROTOCOL, "a malformed call");
        goto out;
    }
    if (Py_EnterRecursiveCall(" in a callable given to the program") == 0) {
        result = PyObject_Call(PyList_GET_ITEM(session.callables, number), args, kwargs);
        Py_LeaveRecursiveCall();
    }
    if (result) {
        judge__begin();
        if (judge__put_value(result) < 0)
            Py_CLEAR(result);
    }
    if (!result && PyErr_ExceptionMatches(judge_stop))
        goto out;
    if ((result ? judge_guest_send(session.guest, JUDGE_VALUE, seq) : send_raised(seq)) < 0)
        PyErr_SetNone(judge_stop);
    else
        rc = 0;
out:
    Py_XDECREF(result);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    return rc;
}

static int update(PyObject *mine, PyObject *theirs, int depth);

static bool updatable(PyObject *mine, PyObject *theirs)
{
    return (PyList_Check(mine) && PyList_Check(theirs)) ||
           (PyDict_Check(mine) && PyDict_Check(theirs)) ||
           (PySet_Check(mine) && PySet_Check(theirs)) ||
           (PyByteArray_Check(mine) && PyByteArray_Check(theirs));
}

static int update_list(PyObject *mine, PyObject *theirs, int depth)
{
    /* Nested lists stay the same objects, as references to them may be held elsewhere. */
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(mine) && i < PyList_GET_SIZE(theirs); i++) {
        PyObject *old = PyList_GET_ITEM(mine, i), *fresh = PyList_GET_ITEM(theirs, i);
        if (depth < VALUE_DEPTH_MAX && updatable(old, fresh)) {
            if (update(old, fresh, depth + 1) < 0 || PyList_SetItem(theirs, i, Py_NewRef(old)) < 0)
                return -1;
        }
    }
    return PyList_SetSlice(mine, 0, PyList_GET_SIZE(mine), theirs);
}

static int update_set(PyObject *mine, PyObject *theirs)
{
    PyObject *iterator = PyObject_GetIter(theirs), *item;
    int rc = iterator ? PySet_Clear(mine) : -1;
    while (rc == 0 && (item = PyIter_Next(iterator)) != NULL) {
        rc = PySet_Add(mine, item);
        Py_DECREF(item);
    }
    Py_XDECREF(iterator);
    return rc;
}

static int update(PyObject *mine, PyObject *theirs, int depth)
{
    if (PyList_Check(mine))
        return update_list(mine, theirs, depth);
    if (PyDict_Check(mine)) {
        PyDict_Clear(mine);
        return PyDict_Update(mine, theirs);
    }
    if (PySet_Check(mine))
        return update_set(mine, theirs);
    Py_ssize_t n = PyByteArray_GET_SIZE(theirs);
    if (PyByteArray_Resize(mine, n) < 0)
        return -1;
    memcpy(PyByteArray_AS_STRING(mine), PyByteArray_AS_STRING(theirs), (size_t)n);
    return 0;
}

static int update_args(PyObject *args, struct reader *r)
{
    PyObject *now = read_value(r);
    int rc = now ? 0 : -1;
    if (now && (!PyTuple_Check(now) || (args && PyTuple_GET_SIZE(now) != PyTuple_GET_SIZE(args)))) {
        broken(REASON_PROTOCOL, "other arguments came back");
        rc = -1;
    }
    for (Py_ssize_t i = 0; rc == 0 && args && i < PyTuple_GET_SIZE(args); i++)
        if (updatable(PyTuple_GET_ITEM(args, i), PyTuple_GET_ITEM(now, i)))
            rc = update(PyTuple_GET_ITEM(args, i), PyTuple_GET_ITEM(now, i), 0);
    Py_XDECREF(now);
    return rc;
}

/* Reads answers of the guest until the one to `seq`. Any answer but a value leaves an error set,
 * MISSING a KeyError. */
static PyObject *take_answer(enum wire_question type, uint32_t seq, PyObject *args)
{
    struct judge_frame frame;
    struct str why;
    for (;;) {
        if (judge_guest_receive(session.guest, &frame) < 0)
            return broken(session.guest->reason, session.guest->why);
        struct reader r = {frame.at, frame.end};
        if (frame.type == GUEST_CALLBACK) {
            if (serve_callback(&r, frame.seq) < 0)
                return NULL;
            continue;
        }
        if (frame.seq != seq)
            return broken(REASON_PROTOCOL, "an answer to another question");
        PyObject *value;
        switch (frame.type) {
        case GUEST_VALUE:
        case GUEST_VALUE_ARGS:
            value = read_value(&r);
            if (value && frame.type == GUEST_VALUE_ARGS && update_args(args, &r) < 0)
                Py_CLEAR(value);
            if (value && r.at != r.end) {
                Py_DECREF(value);
                return broken(REASON_PROTOCOL, "bytes after an answer");
            }
            return value;
        case GUEST_RAISED:
            raise_from_guest(&r);
            return NULL;
        case GUEST_MISSING:
            if (type == GUEST_GLOBAL)
                PyErr_SetNone(PyExc_KeyError);
            else
                broken(REASON_PROTOCOL, "a wrong kind of answer");
            return NULL;
        case GUEST_REFUSED:
            PyErr_SetString(read_name(&r, &why) && str_eq(why, STR("too-large")) ? judge_too_large
                                                                                 : judge_refused,
                            "the answer is too large or too deep to be a value");
            return NULL;
        default:
            return broken(REASON_PROTOCOL, "an unknown kind of answer");
        }
    }
}

PyObject *judge__ask(enum wire_question type, PyObject *args)
{
    uint32_t seq = ++session.guest->seq;
    session.raised_line = 0;
    if (judge_guest_send(session.guest, (uint8_t)type, seq) < 0)
        return broken(session.guest->reason, session.guest->why);
    return take_answer(type, seq, args);
}

/* ---- the session ----------------------------------------------------------------------------- */

void judge_session_begin(struct judge_guest *guest, bool open_operators)
{
    CHECK(session.guest == NULL);
    session.guest = guest;
    session.open_operators = open_operators;
    if (++session.generation == 0)
        session.generation = 1;
}

void judge_session_end(void)
{
    session.guest = NULL;
    session.globals = NULL;
    PyDict_Clear(session.exceptions);
    if (PyList_SetSlice(session.callables, 0, PyList_GET_SIZE(session.callables), NULL) < 0)
        PyErr_Clear();
    buf_clear(&session.released);
}

void judge_session_globals(PyObject *globals)
{
    session.globals = globals;
}

bool judge_session_live(void)
{
    return session.guest != NULL;
}

uint32_t judge__generation(void)
{
    return session.guest ? session.generation : 0;
}

bool judge__open_operators(void)
{
    return session.open_operators;
}

void judge__release(uint32_t number, uint32_t generation)
{
    if (generation == judge__generation())
        buf_add(&session.released, &number, sizeof number);
}

int judge_load(const char *text, size_t len, uint8_t flags)
{
    judge__begin();
    judge__put_u8(flags);
    buf_add(&session.guest->question, text, len);
    PyObject *answer = judge__ask(GUEST_LOAD, NULL);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

PyObject *judge_global(const char *name, bool *ret_missing)
{
    judge__begin();
    put_bytes(str_of(name));
    PyObject *value = judge__ask(GUEST_GLOBAL, NULL);
    *ret_missing = !value && PyErr_ExceptionMatches(PyExc_KeyError);
    if (!*ret_missing)
        return value;
    PyErr_Clear();
    return Py_NewRef(Py_None);
}

uint32_t judge_raised_line(void)
{
    return session.raised_line;
}

int judge__session_init(void)
{
    session.callables = PyList_New(0);
    session.exceptions = PyDict_New();
    judge_refused = PyErr_NewException("judge.Refused", PyExc_Exception, NULL);
    judge_too_large = PyErr_NewException("judge.TooLarge", judge_refused, NULL);
    return session.callables && session.exceptions && judge_refused && judge_too_large ? 0 : -1;
}
