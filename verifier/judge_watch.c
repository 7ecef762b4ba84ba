/* judge_watch.c: one interval timer, one signal.
 *
 * Test code is trusted, but the values it works on are not: a loop `while f(x):` or an integer
 * of four million digits can keep it busy for ever. SIGALRM therefore interrupts the judge at
 * the window's end. Its handler trips Python's own signal machinery, which long-running C code
 * of CPython polls too, so that the exception appears wherever Python would have raised
 * KeyboardInterrupt. The keeper kills the guest at its own, earlier limit in any case. If the
 * judge is caught in C code that polls nothing, the handler itself writes the verdict that was
 * prepared for this case and exits: the candidate is charged with the time, and the verifier
 * starts a new judge. */
#include "verifier/judge_watch.h"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"

enum { TICK_US = 50000 };
static const int64_t HARD_NS = 2ll * NS_PER_S;

PyObject *judge_stop;

static volatile sig_atomic_t is_open, is_expired;
static int64_t volatile hard_at;
static const char *volatile last_text;
static size_t volatile last_len;
static int volatile last_fd;

static void on_alarm(int signo)
{
    int saved = errno;
    if (is_open) {
        is_expired = 1;
        if (last_text && wall_ns() >= hard_at) {
            size_t at = 0;
            ssize_t n = 0;
            while (at < last_len && (n = write(last_fd, last_text + at, last_len - at)) > 0)
                at += (size_t)n;
            _exit(3);
        }
        PyErr_SetInterruptEx(signo);
    }
    errno = saved;
}

/* Python's handler: runs between bytecodes of the main thread, perhaps long after the tick. One of an
 * earlier window is nothing, whether that was closed or followed by the next at once. */
static PyObject *on_python_signal(PyObject *self, PyObject *args)
{
    (void)self;
    (void)args;
    if (!is_open || !is_expired)
        Py_RETURN_NONE;
    PyErr_SetNone(judge_stop);
    return NULL;
}

static PyMethodDef handler_def = {"judge_deadline", on_python_signal, METH_VARARGS, NULL};

int judge_watch_init(struct err *err)
{
    judge_stop = PyErr_NewException("judge.Stop", PyExc_BaseException, NULL);
    PyObject *handler = PyCFunction_New(&handler_def, NULL);
    PyObject *module = PyImport_ImportModule("signal");
    PyObject *old = NULL;
    if (judge_stop && handler && module)
        old = PyObject_CallMethod(module, "signal", "iO", SIGALRM, handler);
    Py_XDECREF(module);
    Py_XDECREF(handler);
    if (!old) {
        PyErr_Clear();
        return err_set(err, -ENOSYS, "cannot install the judge's deadline");
    }
    Py_DECREF(old);
    /* Python's C-level handler is replaced by ours, which decides before it wakes Python's. No
     * SA_RESTART. */
    struct sigaction action = {.sa_handler = on_alarm};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGALRM, &action, NULL) != 0)
        return err_set(err, -errno, "sigaction: %s", strerror(errno));
    return 0;
}

static void set_timer(int64_t first_ns, long interval_us)
{
    struct itimerval timer = {
        .it_interval = {.tv_usec = interval_us},
        .it_value = {.tv_sec = first_ns / NS_PER_S, .tv_usec = first_ns % NS_PER_S / NS_PER_US},
    };
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

void judge_watch_open(int64_t soft_ns, const struct buf *last_words, int fd)
{
    CHECK(soft_ns > 0);
    is_open = 0;
    is_expired = 0;
    hard_at = wall_ns() + soft_ns + HARD_NS;
    last_text = last_words ? last_words->s : NULL;
    last_len = last_words ? last_words->len : 0;
    last_fd = fd;
    /* Up to here the timer of a window that was not closed may tick. */
    set_timer(soft_ns < NS_PER_MS ? NS_PER_MS : soft_ns, TICK_US);
    is_open = 1;
}

void judge_watch_close(void)
{
    is_open = 0;
    set_timer(0, 0);
}

bool judge_watch_expired(void)
{
    return is_expired;
}
