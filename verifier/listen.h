/* listen.h: the verifier's listening socket. */
#ifndef ASSAY_LISTEN_H
#define ASSAY_LISTEN_H

#include <limits.h>
#include <stdbool.h>

#include "base/err.h"

struct listener {
    int fd;
    char unix_path[108]; /* "" for TCP */
    char name[160]; /* "unix:/run/assay.sock", "127.0.0.1:8080" with the port that it really is */
    bool loopback;  /* or unix: not reachable from other machines */
};

/* `spec`: unix:PATH or HOST:PORT (an empty HOST is the loopback). A unix socket that nobody serves
 * any more is replaced; one that is served, or a file of another kind, is refused. */
int listen_open(const char *spec, struct listener *ret, struct err *err);

/* Closes it (unless `fd` is taken over: set it to -1) and removes its unix socket. */
void listen_close(struct listener *l);

#endif
