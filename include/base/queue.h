/* queue.h: an intrusive doubly linked list. A node is in one list at a time; the owner of the
 * enclosing struct owns the node's memory. */
#ifndef ASSAY_BASE_QUEUE_H
#define ASSAY_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct node {
    struct node *prev, *next;
};

#define NODE_OWNER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void queue_init(struct node *head)
{
    head->prev = head->next = head;
}

static inline bool queue_empty(const struct node *head)
{
    return head->next == head;
}

static inline void queue_push(struct node *head, struct node *n)
{
    n->prev = head->prev;
    n->next = head;
    head->prev->next = n;
    head->prev = n;
}

static inline void queue_push_front(struct node *head, struct node *n)
{
    queue_push(head->next, n);
}

static inline void queue_remove(struct node *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->prev = n->next = n;
}

/* The first node, taken out, or NULL. */
static inline struct node *queue_pop(struct node *head)
{
    if (queue_empty(head))
        return NULL;
    struct node *n = head->next;
    queue_remove(n);
    return n;
}

#endif
