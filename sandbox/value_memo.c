/* value_memo.c: which containers a message holds already, by address and by number. */
#include <stdlib.h>

#include "sandbox/value_parts.h"
#include "value_array.h"

enum { SCANNED_MAX = 8 }; /* so few are found without a table */

void value_memo_free(struct value_memo *memo)
{
    value__memo_shrink(memo, 0);
    free(memo->objects);
    free(memo->sizes);
    free(memo->slots);
    *memo = (struct value_memo){0};
}

void value__memo_shrink(struct value_memo *m, uint32_t n)
{
    if (m->n == n)
        return;
    while (m->n > n)
        Py_XDECREF(m->objects[--m->n]);
    m->n_hashed = 0;
    if (m->n_slots)
        memset(m->slots, 0, m->n_slots * sizeof *m->slots);
}

uint32_t value__memo_add(struct value_memo *m, PyObject *o)
{
    if (m->n == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 8;
        m->objects = xrealloc(m->objects, m->cap, sizeof(PyObject *));
        m->sizes = xrealloc(m->sizes, m->cap, sizeof *m->sizes);
    }
    m->objects[m->n] = Py_XNewRef(o);
    m->sizes[m->n] = 0;
    return m->n++;
}

static uint32_t slot_of(const struct value_memo *m, const PyObject *o)
{
    uint64_t x = (uint64_t)(uintptr_t)o >> 4;
    return (uint32_t)((x * 0x9e3779b97f4a7c15u) >> 32) & (m->n_slots - 1);
}

/* Slots hold number + 1. */
static void hash_all(struct value_memo *m)
{
    if (m->n_slots < 2 * m->n) {
        m->n_slots = m->n_slots ? m->n_slots : 32;
        while (m->n_slots < 4 * m->n)
            m->n_slots *= 2;
        free(m->slots);
        m->slots = xcalloc(m->n_slots, sizeof *m->slots);
        m->n_hashed = 0;
    }
    for (; m->n_hashed < m->n; m->n_hashed++) {
        uint32_t at = slot_of(m, m->objects[m->n_hashed]);
        while (m->slots[at])
            at = (at + 1) & (m->n_slots - 1);
        m->slots[at] = m->n_hashed + 1;
    }
}

bool value__memo_find(struct value_memo *m, PyObject *o, uint32_t *ret_number)
{
    if (m->n <= SCANNED_MAX) {
        for (uint32_t i = 0; i < m->n; i++)
            if (m->objects[i] == o)
                return *ret_number = i, true;
        return false;
    }
    hash_all(m);
    for (uint32_t at = slot_of(m, o); m->slots[at]; at = (at + 1) & (m->n_slots - 1))
        if (m->objects[m->slots[at] - 1] == o)
            return *ret_number = m->slots[at] - 1, true;
    return false;
}

int value_init(void)
{
    static bool done;
    if (!done)
        done = value__module_init() == 0 && value__kind_init() == 0 && value__raise_init() == 0 &&
               value_array_init() == 0;
    return done ? 0 : -1;
}
