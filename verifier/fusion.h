/* fusion.h: what the addresses share that answer as SandboxFusion does.
 *
 * Its answers are always 200, 400 or 404 with `detail`, or 422 with a list of the keys that are wrong. Its
 * best-known client tries again on 504 and on nothing else, and takes any other status for a failed
 * program: so a fault of ours, a full queue and a server that shuts down are all 504 here. Keys
 * that are not listed are passed over. */
#ifndef ASSAY_FUSION_H
#define ASSAY_FUSION_H

#include "base/keys.h"
#include "server.h"

enum { FUSION_S_MAX = 3600 };

/* The request's body, an object with keys of these types; NULL after a 422. */
json_t *fusion_body(struct request *r, const struct key *keys, size_t n);

/* Whether an object below the body's key `under` has keys of these types; false after a 422. */
bool fusion_check(struct request *r, const json_t *object, const char *under,
                  const struct key *keys, size_t n);

/* A 422 for one key of the body; `under` NULL or the key of the object that it lies in. */
__attribute__((format(printf, 4, 5))) void fusion_invalid(struct request *r, const char *under,
                                                          const char *key, const char *fmt, ...);

/* Seconds above 0 that the key says, `otherwise` where it is absent or null; 0 after a 422. */
double fusion_seconds(struct request *r, const json_t *object, const char *under, const char *key,
                      double otherwise);

/* The languages that SandboxFusion knows by name; false after a 422. */
bool fusion_language(struct request *r, const char *under, const char *name);

/* The answer of one run; takes `run`, which may be NULL, and `files`. */
json_t *fusion_ran(const char *status, const char *message, json_t *run, json_t *files);

#endif
