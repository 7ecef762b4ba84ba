/* cache.h: what was already found out, by the bytes of the question. Bounded; the least recently
 * used go first.
 *
 * The key is the whole question (problem, program, flags), compared byte for byte: a colliding
 * hash must never lend one program another's grade. An entry without a value is being worked on;
 * whoever comes meanwhile waits in its list. */
#ifndef ASSAY_CACHE_H
#define ASSAY_CACHE_H

#include <jansson.h>

#include "base/queue.h"
#include "base/str.h"

struct cache_entry {
    struct cache_entry *chain;
    struct node recent; /* in cache.recent once it has a value */
    struct node waiters;
    uint64_t hash;
    struct str key;
    json_t *value; /* NULL while pending */
};

struct cache {
    struct cache_entry **buckets;
    struct node recent; /* oldest first */
    size_t n_buckets, entries, entries_max, bytes, bytes_max;
    long hits, misses;
};

void cache_init(struct cache *c, size_t entries_max, size_t bytes_max);

/* The entry for `key`, made pending when there was none (*ret_new says so). */
struct cache_entry *cache_get(struct cache *c, struct str key, bool *ret_new);

/* Gives a pending entry its value (takes the reference). The entry may be evicted by any later
 * call: use it no more. */
void cache_put(struct cache *c, struct cache_entry *e, json_t *value);

/* Forgets a pending entry whose question met a fault. Its waiters must have been taken out. */
void cache_drop(struct cache *c, struct cache_entry *e);

void cache_free(struct cache *c);

#endif
