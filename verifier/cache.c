/* cache.c: a chained hash table with a list by recency. */
#include "cache.h"

#include "base/rng.h"

/* Eight bytes at a time through a strong mixer; the entry count is bounded, so no seed is needed
 * against flooding. */
static uint64_t hash_bytes(struct str s)
{
    uint64_t h = s.len;
    for (size_t i = 0; i < s.len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, s.s + i, s.len - i < 8 ? s.len - i : 8);
        h = rng_mix(h ^ word) + i;
    }
    return h;
}

void cache_init(struct cache *c, size_t entries_max, size_t bytes_max)
{
    *c = (struct cache){.entries_max = entries_max, .bytes_max = bytes_max, .n_buckets = 64};
    while (c->n_buckets < entries_max)
        c->n_buckets *= 2;
    c->buckets = xcalloc(c->n_buckets, sizeof(struct cache_entry *));
    queue_init(&c->recent);
}

struct cache_entry *cache_get(struct cache *c, struct str key, bool *ret_new)
{
    uint64_t hash = hash_bytes(key);
    struct cache_entry **bucket = &c->buckets[hash & (c->n_buckets - 1)];
    for (struct cache_entry *e = *bucket; e; e = e->chain)
        if (e->hash == hash && str_eq(e->key, key)) {
            if (e->value) {
                queue_remove(&e->recent);
                queue_push(&c->recent, &e->recent);
            }
            c->hits++;
            *ret_new = false;
            return e;
        }
    struct cache_entry *e = xcalloc(1, sizeof *e);
    char *copy = xrealloc(NULL, key.len, 1);
    memcpy(copy, key.s, key.len);
    *e = (struct cache_entry){.chain = *bucket, .hash = hash, .key = {copy, key.len}};
    queue_init(&e->recent);
    queue_init(&e->waiters);
    *bucket = e;
    c->entries++;
    c->bytes += key.len;
    c->misses++;
    *ret_new = true;
    return e;
}

static void forget(struct cache *c, struct cache_entry *e)
{
    struct cache_entry **at = &c->buckets[e->hash & (c->n_buckets - 1)];
    CHECK(queue_empty(&e->waiters));
    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    queue_remove(&e->recent);
    c->entries--;
    c->bytes -= e->key.len;
    json_decref(e->value);
    free((char *)e->key.s);
    free(e);
}

void cache_put(struct cache *c, struct cache_entry *e, json_t *value)
{
    CHECK(!e->value && value);
    e->value = value;
    queue_push(&c->recent, &e->recent);
    while ((c->entries > c->entries_max || c->bytes > c->bytes_max) && !queue_empty(&c->recent))
        forget(c, NODE_OWNER(c->recent.next, struct cache_entry, recent));
}

void cache_drop(struct cache *c, struct cache_entry *e)
{
    CHECK(!e->value);
    forget(c, e);
}

void cache_free(struct cache *c)
{
    for (struct node *n = c->recent.next, *next; n != &c->recent; n = next) {
        next = n->next;
        forget(c, NODE_OWNER(n, struct cache_entry, recent));
    }
    free(c->buckets);
    *c = (struct cache){0};
}
