/* judge_session.c: one question, one answer, and what the answer means.
 *
 * While a question is open the guest may call back what was lent to it; that may ask questions in
 * turn, so this nests. Whatever is malformed, out of turn or wrongly numbered ends the guest with
 * REASON_PROTOCOL. A question is built apart and sent whole, and an answer that may hold handles is
 * copied before it is read: a handle as a key asks for its hash in the midst of it. */
#define PY_SSIZE_T_CLEAN
#include "verifier/judge_session.h"

#include "verifier/judge_watch.h"

enum { RELEASE_BATCH = 64, STARTER_OBJECTS_MAX = 100000 };

PyObject *judge_refused, *judge_too_large;

static struct {
    struct judge_guest *guest; /* NULL between sessions */
    PyObject *starter_objects; /* dict: number -> proxy of an object that the test made */
    struct buf released;       /* u32 handle numbers that no proxy holds any more */
    uint32_t generation, raised_line;
    bool awaits, let_stop, speaks_of_classes, keep_args;
} session;

/* ---- building a question --------------------------------------------------------------------- */

void judge__put_u8(struct buf *q, uint8_t v)
{
    buf_char(q, (char)v);
}

void judge__put_u32(struct buf *q, uint32_t v)
{
    buf_add(q, &v, sizeof v);
}

static void put_bytes(struct buf *q, struct str s)
{
    judge__put_u32(q, (uint32_t)s.len);
    buf_str(q, s);
}

int judge__put_name(struct buf *q, PyObject *name)
{
    Py_ssize_t n;
    const char *s = PyUnicode_AsUTF8AndSize(name, &n);
    if (s)
        put_bytes(q, str_make(s, (size_t)n));
    else
        buf_free(q);
    return s ? 0 : -1;
}

int judge__put_value(struct buf *q, PyObject *value, struct value_memo *memo)
{
    int rc = memo ? value_encode_with(memo, value, &judge__hook, WIRE_GUEST_BYTES_MAX, q)
                  : value_encode(value, &judge__hook, WIRE_GUEST_BYTES_MAX, q);
    if (rc == 0 && q->len <= WIRE_GUEST_BYTES_MAX)
        return 0;
    buf_free(q);
    if (rc == -EINVAL)
        PyErr_Format(PyExc_TypeError, "no way to pass this to the program: %.100s",
                     Py_TYPE(value)->tp_name);
    else if (rc == -ENOMEM)
        PyErr_NoMemory();
    else
        PyErr_SetString(rc == -ELOOP ? PyExc_RecursionError : PyExc_ValueError,
                        "too deep or too large to pass to the program");
    return -1;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct reader {
    const uint8_t *at, *end;
    struct buf copy;
};

/* Ends the guest and makes test code unwind. */
PyObject *judge__broken(enum reason reason, const char *why)
{
    PyErr_Clear();
    if (judge_watch_expired())
        judge_guest_fail(session.guest, REASON_TIME_LIMIT, "out of time");
    judge_guest_fail(session.guest, reason, why);
    PyErr_SetNone(judge_stop);
    return NULL;
}

/* A handle's tag is looked for where any byte may be one: a copy too many does no harm. */
static struct reader reader_of(const struct judge_frame *frame)
{
    struct reader r = {frame->at, frame->end, {0}};
    size_t n = (size_t)(frame->end - frame->at);
    if (n && memchr(frame->at, VALUE_HANDLE, n)) {
        buf_add(&r.copy, frame->at, n);
        r.at = (const uint8_t *)r.copy.s;
        r.end = r.at + n;
    }
    return r;
}

static PyObject *read_value(struct reader *r, struct value_memo *memo)
{
    int code = 0;
    PyObject *value = memo ? value_decode_with(memo, &r->at, r->end, &judge__hook, &code)
                           : value_decode(&r->at, r->end, &judge__hook, &code);
    if (value)
        return value;
    return code == -ENOMEM ? judge__broken(REASON_MEMORY_LIMIT, "an answer too large to hold")
                           : judge__broken(REASON_PROTOCOL, "a malformed value");
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

/* ---- callbacks ------------------------------------------------------------------------------- */

static int send_payload(uint8_t type, uint32_t seq, struct buf *payload)
{
    buf_str(judge_guest_question(session.guest), buf_view(payload));
    buf_free(payload);
    if (judge_guest_send(session.guest, type, seq) == 0)
        return 0;
    judge__broken(session.guest->reason, session.guest->why);
    return -1;
}

/* Tells the guest that its callback raised the pending error, which is cleared. */
static int send_raised(uint32_t seq)
{
    struct buf payload = {0};
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    if (judge__put_value(&payload, value, NULL) < 0) {
        PyErr_Clear();
        PyObject *plain = PyObject_CallFunction(PyExc_RuntimeError, "s", Py_TYPE(value)->tp_name);
        if (!plain || judge__put_value(&payload, plain, NULL) < 0)
            judge__broken(REASON_MEMORY_LIMIT, "no memory for an exception");
        Py_XDECREF(plain);
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return PyErr_Occurred() ? -1 : send_payload(JUDGE_RAISED, seq, &payload);
}

static PyObject *serve(PyObject *object, uint8_t service, PyObject *pair)
{
    PyObject *result = NULL;
    if (Py_EnterRecursiveCall(" in a callable given to the program"))
        return NULL;
    if (service == JUDGE_NEXT)
        result = judge__next_items(object, PyTuple_GET_ITEM(pair, 0));
    else
        result = PyObject_Call(object, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1));
    if (result && PyCoro_CheckExact(result))
        Py_SETREF(result, judge__run_coroutine(result));
    Py_LeaveRecursiveCall();
    return result;
}

static bool is_call(PyObject *pair)
{
    return PyTuple_CheckExact(pair) && PyTuple_GET_SIZE(pair) == 2 &&
           PyTuple_CheckExact(PyTuple_GET_ITEM(pair, 0)) &&
           PyDict_CheckExact(PyTuple_GET_ITEM(pair, 1));
}

/* Sends what the callable did to its arguments, then its result or error. */
static int reply(PyObject *result, PyObject *pair, struct str before, struct value_memo *memo,
                 uint32_t seq)
{
    struct buf changes = {0}, payload = {0};
    PyObject *type, *value, *trace;
    int rc = 0;
    PyErr_Fetch(&type, &value, &trace);
    if (memo->n > 1) /* the dict of keywords is nobody else's */
        rc = value_encode_changes(memo, pair, before, &judge__hook, WIRE_GUEST_BYTES_MAX, &changes);
    PyErr_Restore(type, value, trace);
    if (rc > 0 && send_payload(JUDGE_CHANGED, seq, &changes) < 0)
        return -1;
    buf_free(&changes);
    if (result && judge__put_value(&payload, result, memo) == 0)
        return send_payload(JUDGE_VALUE, seq, &payload);
    return PyErr_ExceptionMatches(judge_stop) ? -1 : send_raised(seq);
}

/* The guest calls something of ours. 0, or -1 with judge_stop set. */
static int serve_callback(const struct judge_frame *frame)
{
    struct reader r = reader_of(frame);
    struct value_memo memo = {0};
    struct buf before = {0};
    uint32_t number = 0;
    PyObject *object = read_u32(&r, &number) ? judge__lent(number) : NULL, *pair = NULL;
    int rc = -1;
    if (!object || r.at == r.end) {
        judge__broken(REASON_PROTOCOL, "a call of nothing");
        goto out;
    }
    uint8_t service = *r.at++;
    const char *from = (const char *)r.at;
    judge__lend_met_foreign(true);
    pair = read_value(&r, &memo);
    if (!pair)
        goto out;
    if (!is_call(pair) || r.at != r.end) {
        judge__broken(REASON_PROTOCOL, "a malformed call");
        goto out;
    }
    if (memo.n > 1 && judge__lend_met_foreign(false)) {
        struct value_memo again = {0};
        value_fingerprint(&again, pair, &before);
        value_memo_free(&again);
    } else if (memo.n > 1) {
        buf_add(&before, from, (size_t)((const char *)r.at - from));
    }
    Py_INCREF(object);
    PyObject *result = serve(object, service, pair);
    Py_DECREF(object);
    rc = reply(result, pair, buf_view(&before), &memo, frame->seq);
    Py_XDECREF(result);
out:
    Py_XDECREF(pair);
    value_memo_free(&memo);
    buf_free(&before);
    buf_free(&r.copy);
    return rc;
}

/* ---- answers --------------------------------------------------------------------------------- */

static PyObject *take_raised(struct reader *r)
{
    PyObject *raised = read_value(r, NULL);
    if (!raised)
        return NULL;
    if (!PyExceptionInstance_Check(raised) || !read_u32(r, &session.raised_line) ||
        r->at != r->end) {
        Py_DECREF(raised);
        return judge__broken(REASON_PROTOCOL, "a malformed exception");
    }
    PyErr_SetObject((PyObject *)Py_TYPE(raised), raised);
    Py_DECREF(raised);
    return NULL;
}

/* In a timed call whose arguments nobody looks at again an answer shares nothing (guest.c). */
static PyObject *take_plain(struct reader *r, struct value_memo *memo)
{
    struct value_memo flat = {.flat = session.keep_args};
    PyObject *value = read_value(r, memo ? memo : &flat);
    value_memo_free(&flat);
    if (value && r->at != r->end) {
        Py_DECREF(value);
        return judge__broken(REASON_PROTOCOL, "bytes after an answer");
    }
    return value;
}

static PyObject *take_refused(struct reader *r)
{
    struct str why;
    PyErr_SetString(read_name(r, &why) && str_eq(why, STR("too-large")) ? judge_too_large
                                                                        : judge_refused,
                    "the answer is too large or too deep to be a value");
    return NULL;
}

static PyObject *take_missing(enum wire_question type)
{
    if (type != GUEST_GLOBAL)
        return judge__broken(REASON_PROTOCOL, "a wrong kind of answer");
    PyErr_SetNone(PyExc_KeyError);
    return NULL;
}

/* 0, or -1 with judge_stop set. */
static int take_changes(struct reader *r, struct value_memo *memo)
{
    int code = 0;
    if (memo && value_decode_contents(memo, &r->at, r->end, &judge__hook, &code) == 0 &&
        r->at == r->end)
        return 0;
    judge__broken(code == -ENOMEM ? REASON_MEMORY_LIMIT : REASON_PROTOCOL,
                  "arguments came back that cannot be");
    return -1;
}

static PyObject *read_answer(uint8_t kind, enum wire_question type, struct reader *r,
                             struct value_memo *memo)
{
    switch (kind) {
    case GUEST_VALUE:
        return take_plain(r, memo);
    case GUEST_RAISED:
        return take_raised(r);
    case GUEST_MISSING:
        return take_missing(type);
    case GUEST_REFUSED:
        return take_refused(r);
    default:
        return judge__broken(REASON_PROTOCOL, "an unknown kind of answer");
    }
}

/* Reads frames of the guest until the answer to `seq`. Any answer but a value leaves an error set,
 * MISSING a KeyError. */
static PyObject *take_answer(enum wire_question type, uint32_t seq, struct value_memo *memo)
{
    struct judge_frame frame;
    bool told = false;
    for (;;) {
        if (judge_guest_receive(session.guest, &frame) < 0)
            return judge__broken(session.guest->reason, session.guest->why);
        if (frame.type == GUEST_CALLBACK) {
            if (serve_callback(&frame) < 0)
                return NULL;
            continue;
        }
        if (frame.seq != seq || (frame.type == GUEST_CHANGED && told))
            return judge__broken(REASON_PROTOCOL, "an answer to another question");
        struct reader r = reader_of(&frame);
        PyObject *answer = NULL;
        if (frame.type == GUEST_CHANGED)
            told = take_changes(&r, memo) == 0;
        else
            answer = read_answer(frame.type, type, &r, memo);
        buf_free(&r.copy);
        if (frame.type != GUEST_CHANGED || !told)
            return answer;
    }
}

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

PyObject *judge__ask(enum wire_question type, struct buf *q, struct value_memo *memo)
{
    if (!session.guest) {
        buf_free(q);
        PyErr_SetString(PyExc_ReferenceError, "an object of a program that has ended");
        return NULL;
    }
    if (session.released.len >= RELEASE_BATCH * sizeof(uint32_t))
        flush_released();
    uint32_t seq = ++session.guest->seq;
    bool may_stop = session.let_stop || type == GUEST_NEXT;
    session.let_stop = false;
    session.raised_line = 0;
    if (send_payload((uint8_t)type, seq, q) < 0)
        return NULL;
    PyObject *answer = take_answer(type, seq, memo);
    if (!answer && !may_stop &&
        (PyErr_ExceptionMatches(PyExc_StopIteration) ||
         PyErr_ExceptionMatches(PyExc_StopAsyncIteration)))
        PyErr_SetString(PyExc_RuntimeError, "the program raised StopIteration");
    return answer;
}

void judge_let_stop(bool allowed)
{
    session.let_stop = allowed;
}

void judge__speak_of_class(void)
{
    session.speaks_of_classes = true;
}

bool judge__speaks_of_classes(void)
{
    return session.speaks_of_classes;
}

/* ---- the session ----------------------------------------------------------------------------- */

void judge_session_begin(struct judge_guest *guest)
{
    CHECK(session.guest == NULL);
    session.guest = guest;
    session.awaits = session.let_stop = session.speaks_of_classes = session.keep_args = false;
    if (++session.generation == 0)
        session.generation = 1;
}

void judge_session_end(void)
{
    session.guest = NULL;
    PyDict_Clear(session.starter_objects);
    judge__lend_clear();
    buf_clear(&session.released);
}

bool judge_session_live(void)
{
    return session.guest != NULL;
}

void judge_session_awaits(bool awaits)
{
    session.awaits = awaits;
}

void judge_session_keep_args(bool keep)
{
    session.keep_args = keep;
}

bool judge__keeps_args(void)
{
    return session.keep_args;
}

bool judge__awaits(void)
{
    return session.awaits;
}

uint32_t judge__generation(void)
{
    return session.guest ? session.generation : 0;
}

void judge__release(uint32_t number, uint32_t generation)
{
    if (generation == judge__generation())
        buf_add(&session.released, &number, sizeof number);
}

PyObject *judge__starter_class(uint32_t number)
{
    if (PyDict_GET_SIZE(session.starter_objects) == 0)
        return NULL;
    PyObject *key = PyLong_FromUnsignedLong(number);
    PyObject *known = key ? PyDict_GetItemWithError(session.starter_objects, key) : NULL;
    Py_XDECREF(key);
    PyErr_Clear();
    return known ? ((struct proxy *)known)->starter : NULL;
}

/* As long as the proxy is kept, its number stays the object's. */
int judge__keep_starter_object(PyObject *proxy)
{
    if (PyDict_GET_SIZE(session.starter_objects) >= STARTER_OBJECTS_MAX)
        return 0;
    PyObject *key = PyLong_FromUnsignedLong(((struct proxy *)proxy)->number);
    int rc = key ? PyDict_SetItem(session.starter_objects, key, proxy) : -1;
    Py_XDECREF(key);
    return rc;
}

int judge_load(const char *text, size_t len, uint8_t flags)
{
    struct buf q = {0};
    judge__put_u8(&q, flags);
    buf_add(&q, text, len);
    PyObject *answer = judge__ask(GUEST_LOAD, &q, NULL);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

int64_t judge_handed_ns(void)
{
    struct buf q = {0};
    PyObject *answer = judge__ask(GUEST_HANDED, &q, NULL);
    int64_t ns = answer ? PyLong_AsLongLong(answer) : -1;
    Py_XDECREF(answer);
    return ns;
}

PyObject *judge_global(const char *name, bool *ret_missing)
{
    struct buf q = {0};
    put_bytes(&q, str_of(name));
    PyObject *value = judge__ask(GUEST_GLOBAL, &q, NULL);
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
    session.starter_objects = PyDict_New();
    judge_refused = PyErr_NewException("judge.Refused", PyExc_Exception, NULL);
    judge_too_large = PyErr_NewException("judge.TooLarge", judge_refused, NULL);
    return session.starter_objects && judge_refused && judge_too_large ? 0 : -1;
}
