/* The real keeper and real guests, driven as the judge drives them. */
#include "sandbox_harness.h"

#include <dirent.h>

#include "usual_imports.h"

static struct slot shared;

static int open_shared(void **state)
{
    (void)state;
    start_python();
    shared = slot_start(NULL);
    return 0;
}

static int close_shared(void **state)
{
    (void)state;
    slot_stop(&shared);
    return 0;
}

static struct run begin(const char *program)
{
    struct run run = run_start(&shared, (struct keeper_fork){LIMITS_OF_TESTS});
    assert_string_equal(run_load(&run, program, 0), "None");
    return run;
}

/* ---- values, exceptions, handles ------------------------------------------------------------- */

static void calls_carry_values(void **state)
{
    (void)state;
    struct run run = begin("def echo(*a): return a if len(a) != 1 else a[0]\n"
                           "from collections import namedtuple, Counter\n"
                           "P = namedtuple('P', 'x y')\n"
                           "def odd(): return [P(1, 2), Counter('aab'), True, 1 << 70, -0.0, "
                           "'\\ud800', b'x', {1, 2}]\n");
    assert_string_equal(run_call(&run, "echo", "(1, [2.5, None], {'k': (True, 'é')})"),
                        "(1, [2.5, None], {'k': (True, 'é')})");
    assert_string_equal(
        run_call(&run, "odd", "()"),
        "[P(x=1, y=2), Counter({'a': 2, 'b': 1}), True, 1180591620717411303424, -0.0, "
        "'\\ud800', b'x', {1, 2}]");
    run_end(&run);
}

/* Calls a global with a list and its only item, and shows what became of the list, then the answer. */
static const char *call_sharing(struct run *run, const char *name)
{
    static char text[256];
    struct value_memo memo = {0};
    struct buf p = {0};
    struct answer a;
    int code = 0;
    PyObject *pair = python("(lambda x: (([x], x), {}))([1])");
    put_u32(&p, run_global(run, name));
    buf_char(&p, GUEST_WANT_CHANGES);
    assert_int_equal(value_encode_with(&memo, pair, NULL, 1000, &p), 0);
    run_write(run, GUEST_CALL, ++run->seq, &p);
    buf_free(&p);
    text[0] = 0;
    assert_true(run_read(run, &a));
    if (a.head.type == GUEST_CHANGED) {
        const uint8_t *at = (const uint8_t *)a.payload.s, *end = at + a.payload.len;
        assert_int_equal(value_decode_contents(&memo, &at, end, NULL, &code), 0);
        PyObject *shown = PyObject_Repr(PyTuple_GET_ITEM(pair, 0));
        snprintf(text, sizeof text, "%s ", PyUnicode_AsUTF8(shown));
        Py_DECREF(shown);
        buf_free(&a.payload);
        assert_true(run_read(run, &a));
    }
    const uint8_t *at = (const uint8_t *)a.payload.s, *end = at + a.payload.len;
    PyObject *value = value_decode_with(&memo, &at, end, &foreign_hook, &code);
    assert_non_null(value);
    PyObject *outer = PyTuple_GET_ITEM(PyTuple_GET_ITEM(pair, 0), 0);
    PyObject *shown = PyObject_Repr(value);
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s",
             a.head.type == GUEST_RAISED ? "raises " : "",
             value == outer ? "itself" : PyUnicode_AsUTF8(shown));
    Py_DECREF(shown);
    Py_DECREF(value);
    Py_DECREF(pair);
    value_memo_free(&memo);
    buf_free(&a.payload);
    return text;
}

static void mutable_arguments_come_back(void **state)
{
    (void)state;
    struct run run = begin("def push(x, y): y.append(3)\ndef look(x, y): return len(x)\n"
                           "def give(x, y): x.append(y); return x\n"
                           "def fail(x, y): x.clear(); y[:] = 'z'; raise KeyError(7)\n");
    assert_string_equal(call_sharing(&run, "push"), "([[1, 3]], [1, 3]) None");
    assert_string_equal(call_sharing(&run, "look"), "1");
    assert_string_equal(call_sharing(&run, "give"), "([[1], [1]], [1]) itself");
    assert_string_equal(call_sharing(&run, "fail"), "([], ['z']) raises KeyError(7)");
    run_end(&run);
}

static void exceptions_are_answers(void **state)
{
    (void)state;
    struct run run = begin("class Mine(ValueError): pass\n"
                           "import sys\n"
                           "def a(): raise Mine('x', 3)\n"
                           "def b(): sys.exit(4)\n"
                           "def c(): raise KeyboardInterrupt\n"
                           "def d(): return d()\n"
                           "def e(): raise KeyError(object)\n");
    assert_string_equal(run_call(&run, "a", "()"), "raises Mine('x', 3)");
    assert_string_equal(run_call(&run, "b", "()"), "raises SystemExit(4)");
    assert_string_equal(run_call(&run, "c", "()"), "raises KeyboardInterrupt()");
    assert_string_equal(run_call(&run, "d", "()"),
                        "raises RecursionError('maximum recursion depth exceeded')");
    assert_string_equal(run_call(&run, "e", "()"), "raises KeyError(<class 'object'>)");
    struct buf p = {0};
    put_name(&p, "nothing");
    assert_string_equal(run_ask(&run, GUEST_GLOBAL, &p), "missing");
    run_end(&run);
}

static void raised_names_its_base_and_line(void **state)
{
    (void)state;
    struct run run = begin("class Mine(ValueError):\n    pass\ndef f():\n    raise Mine('x')\n");
    struct buf p = {0};
    struct answer a;
    char one[64];
    uint32_t line;
    put_u32(&p, run_global(&run, "f"));
    put_call(&p, "()", "{}");
    run_write(&run, GUEST_CALL, 1, &p);
    buf_free(&p);
    assert_true(run_read(&run, &a));
    assert_int_equal(a.head.type, GUEST_RAISED);
    const uint8_t *at = (const uint8_t *)a.payload.s, *end = at + a.payload.len;
    int code = 0;
    PyObject *raised = value_decode(&at, end, &foreign_hook, &code);
    assert_non_null(raised);
    snprintf(one, sizeof one, "%s below %s", Py_TYPE(raised)->tp_name,
             Py_TYPE(raised)->tp_base->tp_name);
    assert_string_equal(one, "Mine below ValueError");
    Py_DECREF(raised);
    assert_int_equal(end - at, 4);
    memcpy(&line, at, 4);
    assert_int_equal(line, 4);
    buf_free(&a.payload);
    run_end(&run);
}

static const char *ask_next(struct run *run, const char *global)
{
    struct buf p = {0};
    put_u32(&p, run_global(run, global));
    return run_ask(run, GUEST_NEXT, &p);
}

static const char *ask_attribute(struct run *run, const char *global, const char *name)
{
    struct buf p = {0};
    put_u32(&p, run_global(run, global));
    buf_char(&p, 0);
    put_name(&p, name);
    return run_ask(run, GUEST_GETATTR, &p);
}

/* An operator on a global and up to two values. */
static const char *operate(struct run *run, enum guest_operator op, const char *global,
                           const char *a, const char *b)
{
    struct buf p = {0};
    uint32_t handle = run_global(run, global);
    buf_char(&p, (char)op);
    buf_char(&p, 0);
    buf_char(&p, VALUE_TUPLE);
    put_u32(&p, 1u + (a != NULL) + (b != NULL));
    buf_char(&p, VALUE_HANDLE);
    put_u32(&p, handle);
    buf_add(&p, "\0N", 2);
    if (a)
        put_python(&p, a);
    if (b)
        put_python(&p, b);
    return run_ask(run, GUEST_OPERATE, &p);
}

static void handles_do_what_objects_do(void **state)
{
    (void)state;
    struct run run = begin("class C:\n"
                           "    def __init__(self): self.d = {}\n"
                           "    def __len__(self): return 7\n"
                           "    def __getitem__(self, k): return self.d[k]\n"
                           "    def __setitem__(self, k, v): self.d[k] = v\n"
                           "    def __contains__(self, k): return k in self.d\n"
                           "    def __str__(self): return 'a C'\n"
                           "    def __add__(self, o): return ('sum', o)\n"
                           "    def __lt__(self, o): return True\n"
                           "o = C()\ng = (n for n in [5])\n");
    assert_string_equal(operate(&run, GUEST_OP_LEN, "o", NULL, NULL), "7");
    assert_string_equal(operate(&run, GUEST_OP_STR, "o", NULL, NULL), "'a C'");
    assert_string_equal(operate(&run, GUEST_OP_SETITEM, "o", "'k'", "[1]"), "None");
    assert_string_equal(operate(&run, GUEST_OP_GETITEM, "o", "'k'", NULL), "[1]");
    assert_string_equal(operate(&run, GUEST_OP_CONTAINS, "o", "'k'", NULL), "True");
    assert_string_equal(operate(&run, GUEST_OP_SETATTR, "o", "'z'", "3"), "None");
    assert_string_equal(ask_attribute(&run, "o", "z"), "3");
    assert_string_equal(ask_attribute(&run, "o", "no"),
                        "raises AttributeError(\"'C' object has no attribute 'no'\")");
    assert_string_equal(ask_next(&run, "g"), "5");
    assert_string_equal(ask_next(&run, "g"), "raises StopIteration()");
    assert_string_equal(ask_next(&run, "o"), "raises TypeError(\"'C' object is not an iterator\")");
    assert_non_null(strstr(operate(&run, GUEST_OP_ITER, "g", NULL, NULL), "<handle"));
    assert_string_equal(operate(&run, GUEST_OP_ADD, "o", "1", NULL), "('sum', 1)");
    assert_string_equal(operate(&run, GUEST_OP_LT, "o", "1", NULL), "True");
    run_end(&run);
}

static void released_handles_are_gone(void **state)
{
    (void)state;
    struct run run = begin("class C: pass\no = C()\n");
    uint32_t first = run_global(&run, "o"), second = run_global(&run, "o");
    assert_int_equal(first, second); /* one object, one number, counted twice */
    for (int i = 0; i < 3; i++) {
        struct buf p = {0};
        put_u32(&p, first);
        run_write(&run, GUEST_RELEASE, ++run.seq, &p);
        buf_char(&p, 0);
        const char *text = (put_name(&p, "__class__"), run_ask(&run, GUEST_GETATTR, &p));
        if (i == 0)
            assert_non_null(strstr(text, "<handle"));
        else
            assert_non_null(strstr(text, "raises ReferenceError"));
    }
    run_end(&run);
}

/* The judge's callable number 9 is asked for, answers, and asks back in between. */
static void callbacks_nest(void **state)
{
    (void)state;
    struct run run = begin("def use(f): return f(2, k=3) + 1\ndef other(): return 40\n");
    uint32_t use = run_global(&run, "use");
    struct buf p = {0};
    struct answer a;
    put_u32(&p, use);
    buf_add(&p, "\0t\2\0\0\0t\1\0\0\0C\11\0\0\0\0N", 18);
    put_python(&p, "{}");
    run_write(&run, GUEST_CALL, 500, &p);
    buf_clear(&p);
    assert_true(run_read(&run, &a));
    assert_int_equal(a.head.type, GUEST_CALLBACK);
    assert_int_equal(a.head.seq, 500);
    const uint8_t *at = (const uint8_t *)a.payload.s, *end = at + a.payload.len;
    char text[64];
    assert_memory_equal(at, "\x09\0\0\0", 4);
    at += 4;
    assert_int_equal(*at++, JUDGE_CALL);
    show_value(&at, end, text, sizeof text);
    assert_string_equal(text, "((2,), {'k': 3})");
    buf_free(&a.payload);
    assert_string_equal(run_call(&run, "other", "()"), "40");
    put_python(&p, "10");
    run_write(&run, JUDGE_VALUE, 500, &p);
    buf_free(&p);
    assert_true(run_read(&run, &a));
    assert_int_equal(a.head.seq, 500);
    assert_string_equal(show(&a), "11");
    buf_free(&a.payload);
    run_end(&run);
}

static void callbacks_raise(void **state)
{
    (void)state;
    struct run run =
        begin("def use(f):\n    try: f()\n    except KeyError as e: return ('caught', e.args)\n");
    struct buf p = {0};
    struct answer a;
    put_u32(&p, run_global(&run, "use"));
    buf_add(&p, "\0t\2\0\0\0t\1\0\0\0C\7\0\0\0\0N", 18);
    put_python(&p, "{}");
    run_write(&run, GUEST_CALL, 600, &p);
    buf_clear(&p);
    assert_true(run_read(&run, &a));
    buf_free(&a.payload);
    put_python(&p, "KeyError('k')");
    run_write(&run, JUDGE_RAISED, 600, &p);
    buf_free(&p);
    assert_true(run_read(&run, &a));
    assert_string_equal(show(&a), "('caught', ('k',))");
    buf_free(&a.payload);
    run_end(&run);
}

static void answers_that_cannot_cross_are_refused(void **state)
{
    (void)state;
    struct run run =
        begin("def deep():\n    x = []\n    for _ in range(300): x = [x]\n    return x\n"
              "def loop():\n    x = []\n    x.append(x)\n    return x\n"
              "def huge(): return 'x' * (40 << 20)\n"
              "def fine(): return 1\n");
    assert_string_equal(run_call(&run, "deep", "()"), "refused too-deep");
    assert_string_equal(run_call(&run, "loop", "()"), "refused too-deep");
    assert_string_equal(run_call(&run, "huge", "()"), "refused too-large");
    assert_string_equal(run_call(&run, "fine", "()"), "1");
    run_end(&run);
}

static void async_functions_are_run(void **state)
{
    (void)state;
    struct run run = begin(
        "import asyncio\nasync def f(n):\n    await asyncio.sleep(0.001)\n    return n + 1\n");
    assert_string_equal(run_call(&run, "f", "(4,)"), "5");
    run_end(&run);
}

static void rebinding_python_changes_nothing(void **state)
{
    (void)state;
    struct run run =
        begin("import builtins, sys, os, io, random, threading, atexit\n"
              "for m in (builtins, os, io, random, threading, atexit):\n"
              "    for n in list(vars(m)):\n"
              "        if not n.startswith('__') and n not in ('vars', 'list', 'setattr'):\n"
              "            try: setattr(m, n, None)\n"
              "            except Exception: pass\n"
              "sys.modules.clear()\n"
              "def f(): return [1, {'a': 2}]\n");
    assert_string_equal(run_call(&run, "f", "()"), "[1, {'a': 2}]");
    run_end(&run);
}

static void every_guest_starts_alike(void **state)
{
    (void)state;
    char first[256];
    const char *program = "import random\ndef f(): return (random.random(), hash('x'), __name__)\n";
    struct run run = begin(program);
    snprintf(first, sizeof first, "%s", run_call(&run, "f", "()"));
    run_end(&run);
    assert_non_null(strstr(first, "'solution'"));
    run = begin(program);
    assert_string_equal(run_call(&run, "f", "()"), first);
    run_end(&run);
}

/* What loading the usual imports and `rest`, then calling f(), says. */
static void outcome(const char *before, const char *rest, char ret_text[2048])
{
    struct buf program = {0};
    buf_printf(&program, "%s%s%s", before, USUAL_IMPORTS, rest);
    buf_char(&program, 0);
    struct run run = run_start(&shared, (struct keeper_fork){LIMITS_OF_TESTS});
    snprintf(ret_text, 2048, "%s", run_load(&run, program.s, 0));
    if (strcmp(ret_text, "None") == 0)
        snprintf(ret_text, 2048, "%s", run_call(&run, "f", "()"));
    run_end(&run);
    buf_free(&program);
}

/* They were run before the program came; it must not be able to tell. */
static void usual_imports_are_as_if_written(void **state)
{
    (void)state;
    static const char *const rests[] = {
        "'no docstring'\ndef f():\n    import inspect, typing, __main__\n"
        "    return (list(globals()), __doc__, __name__, List is typing.List, "
        "inspect.getsource(f),\n"
        "            sys._getframe().f_lineno, sys.modules['solution'] is __main__,\n"
        "            vars(__main__) is globals(), Counter('ab').__class__.__module__,\n"
        "            math.sqrt(4), random.random())\n",
        "from __future__ import annotations\ndef f(): return 1\n",
        "def f(:\n",
        "math.tau = 1\nOptional = 3\ndef f(): return math.tau, Optional, deque([1])\n",
        "def f(): return math.tau, str(Optional), 'Optional' in globals()\n",
    };
    for (size_t i = 0; i < COUNT_OF(rests); i++) {
        char known[2048], written[2048];
        outcome("", rests[i], known);
        outcome("import math; ", rests[i], written);
        assert_string_equal(known, written);
        assert_true(i > 0 || strstr(known, "], None, 'solution', True, \"def f():"));
    }
}

static void text_that_does_not_compile_is_a_syntax_error(void **state)
{
    (void)state;
    struct run run = run_start(&shared, (struct keeper_fork){LIMITS_OF_TESTS});
    assert_non_null(strstr(run_load(&run, "def f(:\n", 0),
                           "raises SyntaxError('invalid syntax', ('<solution>', 1, 7"));
    assert_non_null(strstr(run_load(&run, "x = '\xff'\n", 0), "raises SyntaxError"));
    assert_string_equal(run_load(&run, "x = 1\n", 0), "None");
    run_end(&run);
}

/* ---- limits ---------------------------------------------------------------------------------- */

/* Runs a program into a limit of 300 ms: it is killed for `cause`, never before, and in the best of some
 * tries soon. A busy host may keep the keeper from running. */
static void ends_in_time(struct keeper_fork order, const char *program, enum keeper_cause cause,
                         uint64_t soon_us)
{
    uint64_t best_us = UINT64_MAX;
    for (int tries = 0; tries < 20 && best_us > soon_us; tries++) {
        struct run run = run_start(&shared, order);
        assert_string_equal(run_load(&run, program, 0), "end of stream");
        struct keeper_exited e = run_exited(&run);
        assert_int_equal(e.cause, cause);
        assert_true(WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGKILL);
        const uint64_t us = cause == KEEPER_BY_WALL ? e.wall_us : e.user_us + e.system_us;
        assert_true(us >= 299000);
        best_us = us < best_us ? us : best_us;
    }
    assert_in_range(best_us, 299000, soon_us);
}

static void a_loop_ends_at_the_cpu_limit(void **state)
{
    (void)state;
    struct keeper_fork order = {LIMITS_OF_TESTS};
    order.cpu_us = 300000;
    ends_in_time(order, "while True: pass\n", KEEPER_BY_CPU, 320000);
}

/* Else it would look like somebody's kill, which is no fault of the program's. */
static void a_limit_of_its_own_is_a_cpu_limit(void **state)
{
    (void)state;
    struct run run = run_start(&shared, (struct keeper_fork){LIMITS_OF_TESTS});
    run_load(&run,
             "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (0, 0))\nwhile True: pass\n",
             0);
    struct keeper_exited e = run_exited(&run);
    assert_int_equal(e.cause, KEEPER_BY_CPU);
    assert_true(WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGKILL);
}

static void a_sleeper_ends_at_the_wall_limit(void **state)
{
    (void)state;
    struct keeper_fork order = {LIMITS_OF_TESTS};
    order.wall_us = 300000;
    ends_in_time(order, "import time\ntime.sleep(60)\n", KEEPER_BY_WALL, 330000);
}

static void threads_burn_one_budget(void **state)
{
    (void)state;
    struct keeper_fork order = {LIMITS_OF_TESTS};
    order.cpu_us = 300000;
    ends_in_time(
        order,
        "import threading, zlib, os\nb = bytes(1 << 22)\ndef f():\n    while True: zlib.crc32(b)\n"
        "for _ in range(3): threading.Thread(target=f, daemon=True).start()\nf()\n",
        KEEPER_BY_CPU, 340000);
}

static void a_memory_bomb_meets_its_limit(void **state)
{
    (void)state;
    struct keeper_exited e;
    assert_string_equal(run_once(&shared, "x = []\nwhile True: x.append(bytearray(1 << 20))\n", &e),
                        "raises MemoryError()");
    assert_in_range(e.memory_peak_kib, 200 << 10, 300 << 10);
    /* The limit is on what is used above the template, to within a block. */
    assert_string_equal(run_once(&shared, "x = bytearray(200 << 20)\n", NULL), "None");
    assert_string_equal(run_once(&shared, "import mmap\nx = mmap.mmap(-1, 1 << 20)\n", NULL),
                        "raises PermissionError(1, 'Operation not permitted')");
}

static void forks_and_thread_floods_are_refused(void **state)
{
    (void)state;
    assert_string_equal(run_once(&shared, "import os\nwhile True: os.fork()\n", NULL),
                        "raises BlockingIOError(11, 'Resource temporarily unavailable')");
    assert_string_equal(
        run_once(&shared, "import subprocess\nsubprocess.run(['/bin/true'])\n", NULL),
        "raises BlockingIOError(11, 'Resource temporarily unavailable')");
    const char *flood = "import threading, time\n"
                        "for _ in range(200): threading.Thread(target=time.sleep, args=(9,), "
                        "daemon=True).start()\n";
    if (shared.isolation & SBX_USERNS)
        assert_string_equal(run_once(&shared, flood, NULL),
                            "raises RuntimeError(\"can't start new thread\")");
}

/* Nobody reads here: the guest waits for its pipe until the wall clock ends it. */
static void endless_print_goes_nowhere(void **state)
{
    (void)state;
    struct keeper_fork order = {LIMITS_OF_TESTS};
    order.wall_us = 200000;
    struct run run = run_start(&shared, order);
    assert_string_equal(run_load(&run, "while True: print('x' * 1000)\n", 0), "end of stream");
    assert_int_equal(run_exited(&run).cause, KEEPER_BY_WALL);
}

/* ---- escapes --------------------------------------------------------------------------------- */

static void signals_stay_inside(void **state)
{
    (void)state;
    const char *refused = "raises PermissionError(1, 'Operation not permitted')";
    assert_string_equal(run_once(&shared, "import os\nos.kill(0, 9)\n", NULL), refused);
    assert_string_equal(run_once(&shared, "import os\nos.kill(-1, 9)\n", NULL), refused);
    assert_string_equal(run_once(&shared, "import os\nos.kill(os.getppid(), 9)\n", NULL), refused);
    assert_string_equal(
        run_once(&shared, "import os, signal\nos.killpg(0, signal.SIGTERM)\n", NULL), refused);
    char program[64];
    snprintf(program, sizeof program, "import os\nos.kill(%d, 9)\n", (int)shared.pid);
    assert_string_equal(run_once(&shared, program, NULL), refused);
    /* The keeper is well. */
    assert_string_equal(run_once(&shared, "x = 1\n", NULL), "None");
}

static void exits_are_seen(void **state)
{
    (void)state;
    struct run run = run_start(&shared, (struct keeper_fork){LIMITS_OF_TESTS});
    assert_string_equal(run_load(&run, "import os\nos._exit(0)\n", 0), "end of stream");
    struct keeper_exited e = run_exited(&run);
    assert_int_equal(e.cause, KEEPER_BY_ITSELF);
    assert_true(WIFEXITED(e.status));
    assert_int_equal(WEXITSTATUS(e.status), 0);
    run = run_start(&shared, (struct keeper_fork){LIMITS_OF_TESTS});
    assert_string_equal(run_load(&run, "import ctypes\nctypes.string_at(0)\n", 0), "end of stream");
    e = run_exited(&run);
    assert_true(WIFSIGNALED(e.status));
    assert_int_equal(WTERMSIG(e.status), SIGSEGV);
}

static void nothing_of_the_host_is_there(void **state)
{
    (void)state;
    const char *absent = shared.isolation & SBX_MNTNS
                             ? "raises FileNotFoundError(2, 'No such file or directory')"
                             : "raises PermissionError(13, 'Permission denied')";
    const char *const secrets[] = {"/etc/shadow", "/etc/passwd", "/proc/self/environ",
                                   "/root/.bashrc", "/home"};
    for (size_t i = 0; i < COUNT_OF(secrets); i++) {
        char program[128];
        snprintf(program, sizeof program, "open('%s').read()\n", secrets[i]);
        assert_string_equal(run_once(&shared, program, NULL), absent);
    }
    assert_non_null(strstr(run_once(&shared, "open('/usr/lib/x', 'w')\n", NULL), "raises "));
    assert_non_null(strstr(run_once(&shared, "open('/x', 'w')\n", NULL), "raises "));
    assert_string_equal(run_once(&shared,
                                 "import os\n"
                                 "for n in range(4, 64):\n"
                                 "    try: os.fstat(n)\n"
                                 "    except OSError: pass\n"
                                 "    else: raise Exception(n)\n",
                                 NULL),
                        "None");
}

/* The keeper was started with a secret in its environment: neither the list nor the bytes on the
 * stack have it. These lie between the first argument and the file name that the kernel puts
 * last. */
static void the_environment_is_wiped(void **state)
{
    (void)state;
    assert_string_equal(
        run_once(
            &shared,
            "import ctypes, os\n"
            "assert 'ASSAY_TEST_SECRET' not in os.environ, os.environ\n"
            "at = ctypes.c_void_p.in_dll(ctypes.CDLL(None), 'program_invocation_name').value\n"
            "name = ctypes.string_at(at)\n"
            "at += len(name) + 1\n"
            "seen = b''\n"
            "while name not in seen:\n"
            "    seen += ctypes.string_at(at + len(seen), 1)\n"
            "assert len(seen) > len(name) + 20 and not seen[:-len(name)].strip(b'\\0'), seen\n",
            NULL),
        "None");
}

static void nobody_survives(void **state)
{
    (void)state;
    struct slot slot = slot_start(NULL);
    struct run run = run_start(&slot, (struct keeper_fork){LIMITS_OF_TESTS});
    struct buf p = {0};
    buf_char(&p, 0);
    buf_puts(
        &p, "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)\n");
    run_write(&run, GUEST_LOAD, 1, &p);
    buf_free(&p);
    /* The keeper is killed outright: the guest's socket must reach its end. */
    kill(slot.pid, SIGKILL);
    waitpid(slot.pid, NULL, 0);
    struct answer a;
    assert_false(run_read(&run, &a));
    close(run.socket);
    close(slot.fd);
}

/* ---- whole programs -------------------------------------------------------------------------- */

static void read_text(int fd, char *to, size_t n)
{
    size_t len = 0;
    ssize_t got;
    while (len + 1 < n && wait_for(fd) && (got = read(fd, to + len, n - len - 1)) > 0)
        len += (size_t)got;
    to[len] = 0;
}

/* Runs a program on `input`; its streams go to the buffers. */
static struct keeper_exited whole(const char *program, const char *input, char out[4096],
                                  char err[4096])
{
    struct keeper_fork order = {LIMITS_OF_TESTS};
    order.stdio = 1;
    struct run run = run_start(&shared, order);
    run_load(&run, program, GUEST_LOAD_MAIN);
    assert_int_equal(write(run.in, input, strlen(input)), strlen(input));
    close(run.in);
    run.in = -1;
    read_text(run.out, out, 4096);
    read_text(run.err, err, 4096);
    return run_exited(&run);
}

static void programs_have_real_streams(void **state)
{
    (void)state;
    char out[4096], err[4096];
    struct keeper_exited e =
        whole("import sys, atexit, threading, time\n"
              "said = threading.Event()\n"
              "atexit.register(print, 'bye')\n"
              "threading.Thread(target=lambda: (said.wait(), time.sleep(0.05), "
              "print('late'))).start()\n"
              "if __name__ == '__main__':\n"
              "    print(sum(int(x) for x in sys.stdin.read().split()))\n"
              "    print('oops', file=sys.stderr)\n"
              "    said.set()\n",
              "1 2\n3\n", out, err);
    assert_int_equal(e.status, 0);
    assert_string_equal(out, "6\nlate\nbye\n");
    assert_string_equal(err, "oops\n");
}

static void programs_end_with_their_status(void **state)
{
    (void)state;
    char out[4096], err[4096];
    assert_int_equal(
        WEXITSTATUS(whole("print(input()); raise SystemExit(3)", "x\n", out, err).status), 3);
    assert_string_equal(out, "x\n");
    assert_int_equal(WEXITSTATUS(whole("import sys; sys.exit('sorry')", "", out, err).status), 1);
    assert_string_equal(err, "sorry\n");
    assert_int_equal(WEXITSTATUS(whole("def f():\n    return 1 / 0\nf()", "", out, err).status), 1);
    assert_non_null(
        strstr(err, "File \"<solution>\", line 2, in f\nZeroDivisionError: division by zero\n"));
    assert_int_equal(WEXITSTATUS(whole("print('x'\n", "", out, err).status), 1);
    assert_non_null(strstr(err, "SyntaxError"));
    assert_int_equal(
        WEXITSTATUS(whole("import os\nprint('lost')\nos._exit(5)", "", out, err).status), 5);
    assert_string_equal(out, "");
}

/* ---- the keeper's own protocol --------------------------------------------------------------- */

static void one_guest_at_a_time(void **state)
{
    (void)state;
    struct run run = run_start(&shared, (struct keeper_fork){LIMITS_OF_TESTS});
    struct keeper_fork order = {.head = {KEEPER_FORK, 77}, LIMITS_OF_TESTS};
    struct keeper_failed failed;
    assert_int_equal(send(shared.fd, &order, sizeof order, 0), sizeof order);
    assert_true(wait_for(shared.fd));
    assert_int_equal(recv(shared.fd, &failed, sizeof failed, 0), sizeof failed);
    assert_int_equal(failed.head.kind, KEEPER_FAILED);
    assert_int_equal(failed.head.seq, 77);
    run_end(&run);
    slot_send(&shared, KEEPER_KILL, 0); /* nobody there: no answer, no harm */
    assert_string_equal(run_once(&shared, "x = 1\n", NULL), "None");
}

static void the_clock_runs_while_the_guest_does(void **state)
{
    (void)state;
    struct run run = begin("import time\ndef burn(s):\n    e = time.process_time() + s\n    while "
                           "time.process_time() < e: pass\n");
    uint64_t ns[2];
    for (int i = 0; i < 2; i++) {
        struct keeper_clocked m;
        slot_send(&shared, KEEPER_CLOCK, 5);
        assert_true(wait_for(shared.fd));
        assert_int_equal(recv(shared.fd, &m, sizeof m, 0), sizeof m);
        assert_int_equal(m.head.kind, KEEPER_CLOCKED);
        ns[i] = m.cpu_ns;
        if (i == 0)
            assert_string_equal(run_call(&run, "burn", "(0.05,)"), "None");
    }
    assert_in_range((ns[1] - ns[0]) / NS_PER_US, 49000, 150000);
    run_end(&run);
}

/* Which processors a guest may use, as Python shows a list. `core`: of the order. */
static const char *cores_of(enum keeper_timed timed, uint32_t core)
{
    static char text[256];
    struct run run =
        run_start(&shared, (struct keeper_fork){.timed = timed, .core = core, LIMITS_OF_TESTS});
    assert_string_equal(
        run_load(&run, "import os\ndef cores(): return sorted(os.sched_getaffinity(0))", 0),
        "None");
    snprintf(text, sizeof text, "%s", run_call(&run, "cores", "()"));
    run_end(&run);
    return text;
}

static void a_timed_pair_shares_one_core(void **state)
{
    char first[256], all[256];
    (void)state;
    snprintf(all, sizeof all, "%s", cores_of(KEEPER_UNTIMED, 0));
    for (int i = 0; i < 5; i++) {
        snprintf(first, sizeof first, "%s", cores_of(KEEPER_PAIR_FIRST, 0));
        assert_null(strchr(first, ','));
        assert_string_equal(cores_of(KEEPER_PAIR_SECOND, 0), first);
    }
    assert_string_equal(cores_of(KEEPER_UNTIMED, 0), all);
}

/* Last of all: this keeper stays there. */
static void guests_run_on_the_core_that_is_asked_for(void **state)
{
    cpu_set_t set;
    char wanted[32] = "";
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    for (int core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, &set))
            continue;
        snprintf(wanted, sizeof wanted, "[%d]", core);
        assert_string_equal(cores_of(KEEPER_UNTIMED, 1 + (uint32_t)core), wanted);
        assert_string_equal(cores_of(KEEPER_UNTIMED, 0), wanted);
        assert_string_equal(cores_of(KEEPER_PAIR_FIRST, 0), wanted);
        if (core >= 4)
            break;
    }
    assert_string_equal(cores_of(KEEPER_UNTIMED, CPU_SETSIZE), wanted); /* no such core here */
    assert_string_equal(cores_of(KEEPER_UNTIMED, UINT32_MAX), wanted);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_carry_values),
        cmocka_unit_test(mutable_arguments_come_back),
        cmocka_unit_test(exceptions_are_answers),
        cmocka_unit_test(raised_names_its_base_and_line),
        cmocka_unit_test(handles_do_what_objects_do),
        cmocka_unit_test(released_handles_are_gone),
        cmocka_unit_test(callbacks_nest),
        cmocka_unit_test(callbacks_raise),
        cmocka_unit_test(answers_that_cannot_cross_are_refused),
        cmocka_unit_test(async_functions_are_run),
        cmocka_unit_test(rebinding_python_changes_nothing),
        cmocka_unit_test(every_guest_starts_alike),
        cmocka_unit_test(usual_imports_are_as_if_written),
        cmocka_unit_test(text_that_does_not_compile_is_a_syntax_error),
        cmocka_unit_test(a_loop_ends_at_the_cpu_limit),
        cmocka_unit_test(a_limit_of_its_own_is_a_cpu_limit),
        cmocka_unit_test(a_sleeper_ends_at_the_wall_limit),
        cmocka_unit_test(threads_burn_one_budget),
        cmocka_unit_test(a_memory_bomb_meets_its_limit),
        cmocka_unit_test(forks_and_thread_floods_are_refused),
        cmocka_unit_test(endless_print_goes_nowhere),
        cmocka_unit_test(signals_stay_inside),
        cmocka_unit_test(exits_are_seen),
        cmocka_unit_test(nothing_of_the_host_is_there),
        cmocka_unit_test(the_environment_is_wiped),
        cmocka_unit_test(nobody_survives),
        cmocka_unit_test(programs_have_real_streams),
        cmocka_unit_test(programs_end_with_their_status),
        cmocka_unit_test(one_guest_at_a_time),
        cmocka_unit_test(the_clock_runs_while_the_guest_does),
        cmocka_unit_test(a_timed_pair_shares_one_core),
        cmocka_unit_test(guests_run_on_the_core_that_is_asked_for),
    };
    return cmocka_run_group_tests(tests, open_shared, close_shared);
}
