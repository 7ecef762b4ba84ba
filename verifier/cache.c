/* cache.c: a chained hash table with a list by recency of the entries that have a value. */
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

static uint64_t sum_of(const struct cache_entry *e)
{
    return rng_mix(hash_bytes(e->key)) ^ hash_bytes(e->value);
}

static size_t bytes_of(const struct cache_entry *e)
{
    return sizeof *e + e->key.len + e->value.len;
}

static void take_value(struct cache *c, struct cache_entry *e)
{
    queue_remove(&e->recent);
    c->bytes -= e->value.len;
    free((char *)e->value.s);
    e->value = (struct str){0};
}

static struct cache_entry *find(const struct cache *c, struct str key, uint64_t hash)
{
    struct cache_entry *e = c->buckets[hash & (c->n_buckets - 1)];
    while (e && (e->hash != hash || !str_eq(e->key, key)))
        e = e->chain;
    return e;
}

static struct str copy_of(struct str s)
{
    char *copy = xrealloc(NULL, s.len, 1);
    memcpy(copy, s.s, s.len);
    return str_make(copy, s.len);
}

static struct cache_entry *add(struct cache *c, struct str key, uint64_t hash)
{
    struct cache_entry **bucket = &c->buckets[hash & (c->n_buckets - 1)];
    struct cache_entry *e = xcalloc(1, sizeof *e);
    *e = (struct cache_entry){.chain = *bucket, .hash = hash, .key = copy_of(key)};
    queue_init(&e->recent);
    queue_init(&e->waiters);
    *bucket = e;
    c->entries++;
    c->bytes += bytes_of(e);
    return e;
}

struct cache_entry *cache_get(struct cache *c, struct str key, bool *ret_new)
{
    uint64_t hash = hash_bytes(key);
    struct cache_entry *e = find(c, key, hash);
    bool corrupt = e && e->value.s && e->sum != sum_of(e);
    if (corrupt) {
        take_value(c, e);
    } else if (e && e->value.s) {
        queue_remove(&e->recent);
        queue_push(&c->recent, &e->recent);
    }
    *ret_new = corrupt || !e;
    c->corrupt += corrupt;
    c->misses += *ret_new;
    c->hits += !*ret_new;
    return e ? e : add(c, key, hash);
}

json_t *cache_value(const struct cache_entry *e)
{
    return e->value.s ? json_loadb(e->value.s, e->value.len, JSON_ALLOW_NUL, NULL) : NULL;
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
    c->bytes -= bytes_of(e);
    free((char *)e->key.s);
    free((char *)e->value.s);
    free(e);
}

void cache_put(struct cache *c, struct cache_entry *e, struct str value)
{
    CHECK(!e->value.s && value.len);
    e->value = copy_of(value);
    e->sum = sum_of(e);
    c->bytes += e->value.len;
    queue_push(&c->recent, &e->recent);
    while ((c->entries > c->entries_max || c->bytes > c->bytes_max) && !queue_empty(&c->recent))
        forget(c, NODE_OWNER(c->recent.next, struct cache_entry, recent));
}

void cache_drop(struct cache *c, struct cache_entry *e)
{
    CHECK(!e->value.s);
    forget(c, e);
}

void cache_clear(struct cache *c)
{
    for (struct node *n = c->recent.next, *next; n != &c->recent; n = next) {
        next = n->next;
        forget(c, NODE_OWNER(n, struct cache_entry, recent));
    }
}

void cache_free(struct cache *c)
{
    cache_clear(c);
    free(c->buckets);
    *c = (struct cache){0};
}
