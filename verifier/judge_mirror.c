/* judge_mirror.c: helper classes that the problem gives to both sides.
 *
 * A starter may define the data types of the problem (ListNode, TreeNode) beside functions that
 * build and compare them. Test code runs with the judge's own copy of all of it, so that an
 * expected tree is never built where the program could see it. For a call of the entry point the
 * objects among the arguments are taken apart into plain data, (class name, attributes) by number,
 * which keeps sharing and cycles; a function in the guest builds the same objects of the
 * program's classes, calls the entry point, and sends back all of them as they are then, with
 * those of the answer. Objects that the judge had before are brought up to date in place: the
 * node that the program returns *is* the test's node where it was one. The work is one question
 * and one answer, and no recursion along a list. */
#include "verifier/judge_mirror.h"

#include "verifier/judge_embed.h"
#include "verifier/judge_proxy.h"

EMBED_TEXT(judge__mirror_text, "verifier/judge_mirror.py");
EMBED_TEXT(judge__mirror_guest_text, "verifier/judge_mirror_guest.py");

static PyObject *own;

int judge_mirror_init(void)
{
    own = judge_embedded(judge__mirror_text, "<mirror>");
    return own ? 0 : -1;
}

bool judge_mirrors(const struct judge_suite *s)
{
    return s->entry_point && !s->is_class && s->starter_classes &&
           PyList_GET_SIZE(s->starter_classes) > 0;
}

/* {name: class} of the starter's classes, less exceptions: those cross by name. */
static PyObject *classes_of(const struct judge_suite *s, PyObject *globals)
{
    PyObject *classes = PyDict_New();
    for (Py_ssize_t i = 0; classes && i < PyList_GET_SIZE(s->starter_classes); i++) {
        PyObject *name = PyList_GET_ITEM(s->starter_classes, i);
        PyObject *class = PyDict_GetItem(globals, name);
        if (class && PyType_Check(class) && !PyExceptionClass_Check(class) &&
            PyDict_SetItem(classes, name, class) < 0)
            Py_CLEAR(classes);
    }
    return classes;
}

PyObject *judge_mirror(struct judge_job *job, PyObject *globals, PyObject *entry)
{
    bool missing = false;
    if (!judge_mirrors(job->suite))
        return Py_NewRef(entry);
    if (judge_load(judge__mirror_guest_text, strlen(judge__mirror_guest_text), 0) < 0)
        return NULL;
    PyObject *helper = judge_global("__assay_call__", &missing);
    PyObject *classes = helper ? classes_of(job->suite, globals) : NULL, *made = NULL;
    if (classes)
        made = PyObject_CallFunction(PyDict_GetItemString(own, "Mirror"), "OOO", entry, helper,
                                     classes);
    Py_XDECREF(helper);
    Py_XDECREF(classes);
    return made;
}
