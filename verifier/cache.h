/* cache.h: what was already found out, by the bytes of the question. Bounded in entries and bytes; the
 * least recently used go first.
 *
 * The key is the whole question (problem, program, flags), compared byte for byte: a colliding
 * hash must never lend one program another's grade. An entry without a value is being worked on;
 * whoever comes meanwhile waits in its list. A value is kept as text with a checksum over key and
 * text, looked at whenever it is used: one that memory did not keep is found out anew. */
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
    struct str key, value; /* value.s NULL while pending */
    uint64_t sum;
};

struct cache {
    struct cache_entry **buckets;
    struct node recent; /* oldest first */
    size_t n_buckets, entries, entries_max, bytes, bytes_max;
    long hits, misses, corrupt;
};

void cache_init(struct cache *c, size_t entries_max, size_t bytes_max);

/* The entry for `key`, made pending when there was none, or none to trust (*ret_new says so). */
struct cache_entry *cache_get(struct cache *c, struct str key, bool *ret_new);

/* What an entry holds, a new reference; NULL while it is pending. */
json_t *cache_value(const struct cache_entry *e);

/* Gives a pending entry its value, JSON, of which it keeps a copy. The entry may be evicted by any
 * later call: use it no more. */
void cache_put(struct cache *c, struct cache_entry *e, struct str value);

/* Forgets a pending entry whose question met a fault. Its waiters must have been taken out. */
void cache_drop(struct cache *c, struct cache_entry *e);

/* Forgets all but the pending ones. */
void cache_clear(struct cache *c);

void cache_free(struct cache *c);

#endif
