/* aside.c: a queue before libuv's threads. */
#include "aside.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static void work(uv_work_t *turn)
{
    struct asides *all = NODE_OWNER(turn, struct asides, turn);
    all->now->work(all->now);
}

static void begin(struct asides *all);

static void on_done(uv_work_t *turn, int status)
{
    struct asides *all = NODE_OWNER(turn, struct asides, turn);
    struct aside *a = all->now;
    CHECK(status == 0);
    all->now = NULL;
    begin(all);
    a->done(a);
}

static void begin(struct asides *all)
{
    struct node *n = all->now ? NULL : queue_pop(&all->waiting);
    if (!n)
        return;
    all->now = NODE_OWNER(n, struct aside, node);
    CHECK(uv_queue_work(all->loop, &all->turn, work, on_done) == 0);
}

void asides_init(struct asides *all, uv_loop_t *loop)
{
    *all = (struct asides){.loop = loop};
    queue_init(&all->waiting);
}

void asides_submit(struct asides *all, struct aside *a)
{
    queue_push(&all->waiting, &a->node);
    begin(all);
}

struct dropped {
    struct aside aside;
    json_t *value;
};

static void drop(struct aside *a)
{
    json_decref(NODE_OWNER(a, struct dropped, aside)->value);
}

static void on_dropped(struct aside *a)
{
    free(NODE_OWNER(a, struct dropped, aside));
}

void asides_drop(struct asides *all, json_t *value)
{
    if (!value || value->refcount > 1 || !aside_is_large(value)) {
        json_decref(value);
        return;
    }
    struct dropped *d = xcalloc(1, sizeof *d);
    *d = (struct dropped){.aside = {.work = drop, .done = on_dropped}, .value = value};
    asides_submit(all, &d->aside);
}

/* Takes the value's size off `left`, until there is none. */
static size_t weigh(const json_t *value, size_t left)
{
    enum { VALUE_BYTES = 32 };
    size_t own = VALUE_BYTES + json_string_length(value), i;
    const char *key;
    const json_t *member;
    left -= own < left ? own : left;
    if (json_is_array(value))
        for (i = 0; left && i < json_array_size(value); i++)
            left = weigh(json_array_get(value, i), left);
    else if (json_is_object(value))
        json_object_foreach ((json_t *)value, key, member) {
            if (!left)
                break;
            left = weigh(member, left - (strlen(key) < left ? strlen(key) : left));
        }
    return left;
}

bool aside_is_large(const json_t *value)
{
    return weigh(value, ASIDE_BYTES_MIN) == 0;
}
